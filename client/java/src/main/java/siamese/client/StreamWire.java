package siamese.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import siamese.v1.FramesDropped;
import siamese.v1.ItemFailed;
import siamese.v1.StreamCompareRequest;
import siamese.v1.StreamCompareResponse;
import siamese.v1.StreamOpened;

/**
 * The wire's end of a stream: who waits for which answer. The server answers each message once, in
 * the order sent. All fields are guarded by the lock; the condition tells of every change.
 */
final class StreamWire {
  // Of results that nobody has taken, where the window does not bound them.
  private static final int MAX_UNTAKEN = 1000;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final boolean dropping;
  private final Deque<Owed> owed = new ArrayDeque<>();
  private final Deque<FrameResult> results = new ArrayDeque<>();
  private ClientCallStreamObserver<StreamCompareRequest> requests;
  private StreamOpened opened = StreamOpened.getDefaultInstance();
  private int framesOwed;
  private boolean draining;
  private boolean finished; // nothing more is sent
  private boolean ended; // nothing more is received
  private SiameseException failure; // why, where it was not the end of all answers

  StreamWire(StreamOptions.DropPolicy policy) {
    this.dropping = policy == StreamOptions.DropPolicy.LATEST;
  }

  /** An answer that the server owes: to a frame, or to a message that somebody waits for. */
  private static final class Owed {
    final CompareStream.Sent frame; // null: ask waits
    StreamCompareResponse answer;

    Owed(CompareStream.Sent frame) {
      this.frame = frame;
    }
  }

  /** What gRPC calls; its threads hold the lock only for moments. */
  ClientResponseObserver<StreamCompareRequest, StreamCompareResponse> observer() {
    return new ClientResponseObserver<>() {
      @Override
      public void beforeStart(ClientCallStreamObserver<StreamCompareRequest> stream) {
        requests = stream; // before any other thread knows of this
        stream.setOnReadyHandler(() -> change(() -> {}));
      }

      @Override
      public void onNext(StreamCompareResponse response) {
        change(() -> take(response));
      }

      @Override
      public void onError(Throwable thrown) {
        StatusRuntimeException status = Status.fromThrowable(thrown).asRuntimeException(Status.trailersFromThrowable(thrown));
        change(() -> end(SiameseException.of(status)));
      }

      @Override
      public void onCompleted() {
        change(() -> end(owed.isEmpty() ? null : serverEnded()));
      }
    };
  }

  private void change(Runnable what) {
    lock.lock();
    try {
      what.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void end(SiameseException why) {
    if (!ended) {
      ended = true;
      failure = why;
    }
  }

  private void take(StreamCompareResponse response) {
    switch (response.getMessageCase()) {
      case DRAINING -> draining = true; // answers nothing
      case FRAMES_DROPPED -> takeDropped(response.getFramesDropped());
      default -> {
        Owed next = owed.poll();
        if (next == null) {
          breach(CompareStream.unexpected(response, "nothing: all is answered"));
        } else if (next.frame == null) {
          next.answer = response;
        } else {
          framesOwed--;
          takeFrame(next.frame, response);
        }
      }
    }
  }

  private void takeDropped(FramesDropped dropped) {
    for (long id : dropped.getIdsList()) {
      Owed next = owed.poll();
      if (next == null || next.frame == null || next.frame.id() != id) {
        breach(
            SiameseException.plain(
                Status.Code.INTERNAL, "received that frame " + id + " is dropped, expected another"));
        return;
      }
      framesOwed--;
      results.add(
          new FrameResult(id, next.frame.at(), Optional.empty(), Optional.empty()));
    }
  }

  private void takeFrame(CompareStream.Sent frame, StreamCompareResponse response) {
    if (response.hasFrameScored() && response.getFrameScored().getId() == frame.id()) {
      results.add(CompareStream.scored(frame, response.getFrameScored(), opened));
    } else if (response.hasItemFailed()) {
      results.add(
          new FrameResult(frame.id(), frame.at(), Optional.empty(), Optional.of(error(response.getItemFailed()))));
    } else {
      breach(CompareStream.unexpected(response, "the scores of frame " + frame.id()));
    }
  }

  private static SiameseException error(ItemFailed failed) {
    return SiameseException.ofItem(failed.getError(), 0, "");
  }

  /** A server that does not keep to the contract can't be understood any further. */
  private void breach(SiameseException why) {
    end(why);
    requests.cancel(why.getMessage(), null);
  }

  /** Sends a message and waits for its answer. */
  StreamCompareResponse ask(StreamCompareRequest request, long end) {
    lock.lock();
    try {
      Owed answer = new Owed(null);
      push(request, answer);
      await(() -> answer.answer != null || ended, end);
      if (answer.answer == null) {
        throw broken();
      }
      if (answer.answer.hasItemFailed()) {
        throw error(answer.answer.getItemFailed());
      }
      return answer.answer;
    } finally {
      lock.unlock();
    }
  }

  void send(StreamCompareRequest request, CompareStream.Sent frame, boolean waiting) {
    lock.lock();
    try {
      if (waiting) {
        await(() -> ended || finished || hasRoom(), null);
      }
      push(request, new Owed(frame));
      framesOwed++;
    } finally {
      lock.unlock();
    }
  }

  private boolean hasRoom() {
    return dropping
        ? requests.isReady() && results.size() < MAX_UNTAKEN
        : framesOwed + results.size() < window();
  }

  private void push(StreamCompareRequest request, Owed answer) {
    if (ended) {
      throw broken();
    }
    if (finished) {
      throw new IllegalStateException("received a message after finish, expected none");
    }
    owed.add(answer);
    requests.onNext(request);
  }

  private SiameseException broken() {
    return failure != null ? failure : serverEnded();
  }

  private static SiameseException serverEnded() {
    return SiameseException.plain(Status.Code.UNAVAILABLE, "the server ended the stream");
  }

  Optional<FrameResult> receive() {
    lock.lock();
    try {
      await(() -> !results.isEmpty() || ended, null);
      FrameResult result = results.poll();
      if (result == null && failure != null) {
        throw failure;
      }
      changed.signalAll();
      return Optional.ofNullable(result);
    } finally {
      lock.unlock();
    }
  }

  /** Waits with the lock held; end is by System.nanoTime, null for never. */
  private void await(BooleanSupplier until, Long end) {
    try {
      while (!until.getAsBoolean()) {
        if (end == null) {
          changed.await();
        } else if (changed.awaitNanos(end - System.nanoTime()) <= 0) {
          throw SiameseException.plain(
              Status.Code.DEADLINE_EXCEEDED, "the stream's answer did not come within the deadline");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw SiameseException.plain(
          Status.Code.CANCELLED, "interrupted while waiting for the stream");
    }
  }

  void grant(StreamOpened answer) {
    change(() -> opened = answer);
  }

  StreamOpened opened() {
    lock.lock();
    try {
      return opened;
    } finally {
      lock.unlock();
    }
  }

  int window() {
    return Math.max(1, opened().getWindow());
  }

  boolean isDraining() {
    lock.lock();
    try {
      return draining;
    } finally {
      lock.unlock();
    }
  }

  List<CompareStream.Sent> unanswered() {
    lock.lock();
    try {
      List<CompareStream.Sent> frames = new ArrayList<>();
      owed.stream().filter(o -> o.frame != null).forEach(o -> frames.add(o.frame));
      return frames;
    } finally {
      lock.unlock();
    }
  }

  void finish() {
    change(
        () -> {
          if (!finished && !ended) {
            requests.onCompleted();
          }
          finished = true;
        });
  }

  void cancel() {
    change(
        () -> {
          end(SiameseException.plain(Status.Code.CANCELLED, "the stream is closed"));
          requests.cancel("the stream is closed", null);
        });
  }
}
