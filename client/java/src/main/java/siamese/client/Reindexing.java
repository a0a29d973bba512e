package siamese.client;

import java.util.Iterator;
import java.util.Optional;
import siamese.v1.GalleryServiceGrpc;
import siamese.v1.ReindexRequest;
import siamese.v1.ReindexResponse;

/**
 * How far a reindex is, again and again until it is done; from {@link Galleries#reindex(String)}. The
 * server goes on with the work where this is closed. For one thread at a time, but {@link #close} may
 * come from any.
 */
public final class Reindexing implements Iterator<ReindexProgress>, AutoCloseable {
  private final Answers<ReindexResponse, ReindexProgress> answers;

  Reindexing(
      Caller caller,
      Caller.Time time,
      GalleryServiceGrpc.GalleryServiceBlockingStub stub,
      ReindexRequest request) {
    answers = Answers.of(caller, time, stub, bounded -> bounded.reindex(request), Reindexing::read);
  }

  private static Answers.Told<ReindexProgress> read(ReindexResponse message) {
    return new Answers.Told<>(Optional.of(GalleryWire.progress(message)), message.getDone());
  }

  /**
   * Reports whether there is more to tell, waiting for it.
   *
   * @throws SiameseException what ended the call; the work may go on
   */
  @Override
  public boolean hasNext() {
    return answers.hasNext();
  }

  @Override
  public ReindexProgress next() {
    return answers.next();
  }

  /**
   * Takes all that is told, and so waits for the work's end.
   *
   * @return the last, with {@link ReindexProgress#done}
   * @throws java.util.NoSuchElementException where that was taken before, or this is closed
   * @throws SiameseException as of {@link #hasNext}
   */
  public ReindexProgress last() {
    ReindexProgress progress = next();
    while (!progress.done()) {
      progress = next();
    }
    return progress;
  }

  /** Ends the call, not the work. May be called more than once. */
  @Override
  public void close() {
    answers.close();
  }
}
