package siamese.client;

import io.grpc.Channel;
import io.grpc.Status;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import siamese.v1.DropPolicy;
import siamese.v1.Frame;
import siamese.v1.SetReference;
import siamese.v1.SiameseServiceGrpc;
import siamese.v1.StreamCompareRequest;
import siamese.v1.StreamCompareResponse;
import siamese.v1.StreamOpened;
import siamese.v1.StreamOpening;

/**
 * A stream of frames that are scored against named references. Each frame has one result, in the
 * order of sending. A stream does not outlive its connection: after an error that ended it, open
 * another one.
 *
 * <p>Safe for concurrent use; usually one thread sends and another receives. One thread alone may do
 * both as long as it sends no more frames than {@link #window} before it receives: a frame counts
 * until its result is received.
 */
public final class CompareStream implements AutoCloseable {
  private final StreamWire wire;
  private final Caller caller;
  private final CompareOptions options;
  private long nextId; // guarded by this

  private CompareStream(StreamWire wire, Caller caller, CompareOptions options) {
    this.wire = wire;
    this.caller = caller;
    this.options = options;
  }

  /** Opens a stream, again where that helps. */
  static CompareStream open(Channel channel, Caller caller, StreamOptions options) {
    long end = caller.begin(options.compare().deadline().orElse(null)).endOfRequest();
    for (int attempt = 1; ; attempt++) {
      StreamWire wire = new StreamWire(options.dropPolicy());
      try {
        SiameseServiceGrpc.newStub(channel).streamCompare(wire.observer());
        StreamCompareResponse answer = wire.ask(opening(options), end);
        if (!answer.hasOpened()) {
          throw unexpected(answer, "opened");
        }
        wire.grant(answer.getOpened());
        return new CompareStream(wire, caller, options.compare());
      } catch (SiameseException e) {
        wire.cancel();
        caller.pause(attempt, e, end);
      }
    }
  }

  private static StreamCompareRequest opening(StreamOptions options) {
    DropPolicy policy =
        options.dropPolicy() == StreamOptions.DropPolicy.LATEST
            ? DropPolicy.DROP_POLICY_LATEST
            : DropPolicy.DROP_POLICY_NONE;
    return StreamCompareRequest.newBuilder()
        .setOpening(
            StreamOpening.newBuilder()
                .setWindow(options.window())
                .setDropPolicy(policy)
                .setOptions(options.compare().message()))
        .build();
  }

  /**
   * How many frames may be under way at once, as the server granted.
   *
   * @return at least 1
   */
  public int window() {
    return wire.window();
  }

  /**
   * How many references the stream may hold.
   *
   * @return at least 1
   */
  public int maxReferences() {
    return wire.opened().getMaxReferences();
  }

  /**
   * The model that answers; of "auto" the first that is tried.
   *
   * @return never null
   */
  public ModelReference model() {
    return Wire.reference(wire.opened().getModel());
  }

  /**
   * Stores an image under a name, new or in use, and returns once the server has taken it. One that
   * is refused leaves the name as it was.
   *
   * @param name 1 to 256 bytes
   * @param image the image
   * @return what the server tells of it
   * @throws SiameseException the reference's own error, after which the stream goes on, or that which
   *     ended the stream
   */
  public StoredReference setReference(String name, Image image) {
    SetReference set =
        SetReference.newBuilder().setName(name).setImage(Image.message(image)).build();
    StreamCompareResponse answer =
        wire.ask(StreamCompareRequest.newBuilder().setSetReference(set).build(), deadline());
    if (!answer.hasReferenceSet()) {
      throw unexpected(answer, "reference_set");
    }
    siamese.v1.ReferenceSet stored = answer.getReferenceSet();
    return new StoredReference(
        stored.getName(),
        Wire.familiarity(stored.hasFamiliarity(), stored.getFamiliarity()),
        stored.getWarning(),
        Wire.picture(stored.getPreparedPng()));
  }

  /**
   * Forgets a reference.
   *
   * @param name UNKNOWN_REFERENCE where there is none
   * @throws SiameseException as of {@link #setReference}
   */
  public void dropReference(String name) {
    StreamCompareRequest.Builder request = StreamCompareRequest.newBuilder();
    request.getDropReferenceBuilder().setName(name);
    StreamCompareResponse answer = wire.ask(request.build(), deadline());
    if (!answer.hasReferenceDropped()) {
      throw unexpected(answer, "reference_dropped");
    }
  }

  private long deadline() {
    return caller.begin(options.deadline().orElse(null)).endOfRequest();
  }

  static SiameseException unexpected(StreamCompareResponse answer, String expected) {
    return SiameseException.plain(
        Status.Code.INTERNAL,
        "received the message " + answer.getMessageCase() + ", expected " + expected);
  }

  /**
   * Sends a frame. Waits while the window is full; where frames may be dropped, only while the
   * connection takes no more or a thousand results wait to be received.
   *
   * @param frame the image
   * @return the frame's id, from 0
   * @throws SiameseException what ended the stream
   */
  public synchronized long send(Image frame) {
    long id = nextId;
    send(new Sent(id, Instant.now(), frame), true);
    return id;
  }

  /** Sends a frame under an id of the caller's. Without waiting, the window may be exceeded. */
  synchronized void send(Sent frame, boolean waiting) {
    Frame.Builder message =
        Frame.newBuilder().setId(frame.id()).setImage(Image.message(frame.image()));
    wire.send(StreamCompareRequest.newBuilder().setFrame(message).build(), frame, waiting);
    nextId = frame.id() + 1;
  }

  /** A frame that was sent. */
  record Sent(long id, Instant at, Image image) {}

  /** The frames without an answer, oldest first, once the stream has ended. */
  List<Sent> unanswered() {
    return wire.unanswered();
  }

  /**
   * Takes the next frame's result, waiting for it.
   *
   * @return empty once the stream has ended and all results are taken
   * @throws SiameseException what ended the stream before all was answered
   */
  public Optional<FrameResult> receive() {
    return wire.receive();
  }

  /** Says that no more frames come. What is under way is answered; then receive returns empty. */
  public void finish() {
    wire.finish();
  }

  /**
   * Reports whether the server has said that the stream is about to end. Open another one and send
   * to that; this one is answered for a few seconds more.
   *
   * @return whether it has
   */
  public boolean isDraining() {
    return wire.isDraining();
  }

  /** Ends the stream. Frames under way are not answered. May be called more than once. */
  @Override
  public void close() {
    wire.cancel();
  }

  static FrameResult scored(Sent sent, siamese.v1.FrameScored scored, StreamOpened opened) {
    ModelReference model = Wire.reference(opened.getModel());
    List<ReferenceScore> scores =
        scored.getScoresList().stream()
            .map(
                score ->
                    new ReferenceScore(
                        score.getReference(),
                        score.getSimilarity(),
                        score.getSame(),
                        score.hasModel() ? Wire.reference(score.getModel()) : model,
                        score.getForeign()))
            .toList();
    FrameScores all =
        new FrameScores(
            scores,
            opened.getThreshold(),
            Wire.familiarity(scored.hasFamiliarity(), scored.getFamiliarity()),
            scored.getWarning(),
            Wire.timings(scored.getTimings()),
            Wire.picture(scored.getPreparedPng()));
    return new FrameResult(sent.id(), sent.at(), Optional.of(all), Optional.empty());
  }
}
