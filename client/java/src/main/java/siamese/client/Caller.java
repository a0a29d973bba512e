package siamese.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractBlockingStub;
import io.grpc.stub.AbstractStub;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Sends unary calls, again where that helps, until the deadline. Safe for concurrent use. */
final class Caller {
  /** The bound of one request where the caller sets no deadline; the server's own default. */
  static final Duration DEFAULT_REQUEST_DEADLINE = Duration.ofSeconds(60);

  private static final Duration LONGEST = Duration.ofDays(365); // nanoseconds can count it

  private final RetryPolicy policy;
  private final Duration defaultDeadline; // null: none

  Caller(RetryPolicy policy, Duration defaultDeadline) {
    this.policy = policy;
    this.defaultDeadline = defaultDeadline;
  }

  RetryPolicy policy() {
    return policy;
  }

  /** Begins a call of the client, which may take several requests. */
  Time begin(Duration own) {
    Duration deadline = own != null ? own : defaultDeadline;
    if (deadline == null) {
      return new Time(null);
    }
    Duration bounded = deadline.compareTo(LONGEST) < 0 ? deadline : LONGEST;
    return new Time(System.nanoTime() + bounded.toNanos());
  }

  /**
   * Begins a call that takes as long as there is to tell or to send: the client's own deadline is
   * not for it.
   */
  Time beginStream(Duration own) {
    return own != null ? begin(own) : new Time(null);
  }

  /** When a call of the client has to end, by System.nanoTime; null: each request on its own. */
  record Time(Long end) {
    long endOfRequest() {
      return end != null ? end : System.nanoTime() + DEFAULT_REQUEST_DEADLINE.toNanos();
    }

    /** The same of a call without a bound of its own: far away. */
    long endOfStream() {
      return end != null ? end : System.nanoTime() + LONGEST.toNanos();
    }

    /** The stub with what is left until the end, if there is one. */
    <S extends AbstractStub<S>> S bound(S stub) {
      if (end == null) {
        return stub;
      }
      return stub.withDeadlineAfter(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
    }
  }

  /**
   * One request. A failure's field is moved by offset items of the list.
   *
   * @throws SiameseException that of the last attempt
   */
  <S extends AbstractBlockingStub<S>, T> T send(
      Time time, S stub, int offset, String list, Function<S, T> request) {
    long end = time.endOfRequest();
    for (int attempt = 1; ; attempt++) {
      try {
        long left = Math.max(1, end - System.nanoTime());
        return request.apply(stub.withDeadlineAfter(left, TimeUnit.NANOSECONDS));
      } catch (StatusRuntimeException e) {
        SiameseException failure = SiameseException.of(e, offset, list);
        pause(attempt, failure, end);
      }
    }
  }

  <S extends AbstractBlockingStub<S>, T> T send(Time time, S stub, Function<S, T> request) {
    return send(time, stub, 0, "", request);
  }

  /** Waits before another attempt, or throws the failure where there is none. */
  void pause(int attempt, SiameseException failure, long end) {
    Optional<Duration> wait = policy.waitAfter(attempt, failure);
    if (wait.isEmpty() || System.nanoTime() + wait.get().toNanos() - end >= 0) {
      throw failure;
    }
    try {
      TimeUnit.NANOSECONDS.sleep(wait.get().toNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw SiameseException.plain(
          Status.Code.CANCELLED, "interrupted while waiting to repeat: " + failure.getMessage());
    }
  }
}
