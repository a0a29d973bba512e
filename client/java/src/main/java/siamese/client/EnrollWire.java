package siamese.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import siamese.v1.EnrollRequest;
import siamese.v1.EnrollResponse;

/**
 * The wire's end of one call of Enroll. All fields are guarded by the lock; the condition tells of
 * every change. gRPC's threads hold the lock only for moments.
 */
final class EnrollWire implements ClientResponseObserver<EnrollRequest, EnrollResponse> {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private ClientCallStreamObserver<EnrollRequest> requests;
  private EnrollResponse answer;
  private boolean ended;
  private SiameseException failure; // why, where it was not the end of all answers

  @Override
  public void beforeStart(ClientCallStreamObserver<EnrollRequest> stream) {
    requests = stream; // before any other thread knows of this
    stream.setOnReadyHandler(() -> change(() -> {}));
  }

  @Override
  public void onNext(EnrollResponse response) {
    change(() -> answer = response);
  }

  @Override
  public void onError(Throwable thrown) {
    StatusRuntimeException status =
        Status.fromThrowable(thrown).asRuntimeException(Status.trailersFromThrowable(thrown));
    change(
        () -> {
          failure = SiameseException.of(status);
          ended = true;
        });
  }

  @Override
  public void onCompleted() {
    change(() -> ended = true);
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

  /** Waits until the connection takes more; false: the call has ended. */
  boolean awaitRoom() {
    lock.lock();
    try {
      await(() -> ended || requests.isReady());
      return !ended;
    } finally {
      lock.unlock();
    }
  }

  void send(EnrollRequest request) {
    requests.onNext(request); // to a call that has ended it goes nowhere
  }

  /** Says that no more entries come, and waits for the answer. */
  EnrollResponse finish() {
    lock.lock();
    try {
      boolean early = ended;
      if (!early) {
        requests.onCompleted();
      }
      await(() -> ended);
      if (failure != null) {
        throw failure;
      }
      if (early || answer == null) {
        throw GalleryWire.unexpected(
            early ? "the end of the call" : "no answer", "an answer after the last entry");
      }
      return answer;
    } finally {
      lock.unlock();
    }
  }

  private void await(BooleanSupplier until) {
    try {
      while (!until.getAsBoolean()) {
        changed.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw SiameseException.plain(Status.Code.CANCELLED, "interrupted while enrolling");
    }
  }

  /** Ends the call, if it has not ended. */
  void cancel() {
    if (requests != null) {
      requests.cancel("the enrolment has ended", null);
    }
  }
}
