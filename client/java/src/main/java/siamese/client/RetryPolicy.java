package siamese.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * When a call is repeated: where the server says after how long (RetryInfo), as when its queue is
 * full, and where it can't be reached (UNAVAILABLE). No call has side effects but those of galleries,
 * which leave the same when they are carried out twice, so that each may be repeated. A wait that
 * would end behind the call's deadline is not begun.
 *
 * <p>Making one throws IllegalArgumentException where one is out of its range.
 *
 * @param attempts how often a call is sent at most, at least 1; 1 is never to repeat it
 * @param firstWait the wait before the second attempt, doubled with each one more, where the server
 *     does not say how long; longer than 0
 * @param longestWait the bound of that
 */
public record RetryPolicy(int attempts, Duration firstWait, Duration longestWait) {
  private static final Duration LONGEST_TOLD = Duration.ofDays(1);

  /** Five attempts, 0.1 s to 5 s apart. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(5, Duration.ofMillis(100), Duration.ofSeconds(5));

  /** Nothing is repeated. */
  public static final RetryPolicy NONE = new RetryPolicy(1, Duration.ofMillis(1), Duration.ofMillis(1));

  public RetryPolicy {
    Objects.requireNonNull(firstWait, "firstWait");
    Objects.requireNonNull(longestWait, "longestWait");
    if (attempts < 1) {
      throw new IllegalArgumentException("received attempts " + attempts + ", expected at least 1");
    }
    if (firstWait.isNegative() || firstWait.isZero() || longestWait.compareTo(firstWait) < 0) {
      throw new IllegalArgumentException(
          "received waits from %s to %s, expected a first one longer than 0 and a longest one not shorter"
              .formatted(firstWait, longestWait));
    }
  }

  /** How long to wait after a failed attempt, counted from 1; empty: give up. */
  Optional<Duration> waitAfter(int attempt, SiameseException failure) {
    if (attempt >= attempts) {
      return Optional.empty();
    }
    Optional<Duration> told = failure.retryDelay();
    if (told.isEmpty() && failure.code() != Status.Code.UNAVAILABLE) {
      return Optional.empty();
    }
    // Callers that failed together do not come back together: up to a fifth is added.
    double spread = 1 + ThreadLocalRandom.current().nextDouble(0.2);
    Duration wait = told.orElseGet(() -> doubled(attempt));
    if (wait.compareTo(LONGEST_TOLD) > 0) { // more than nanoseconds may be able to count
      return Optional.empty();
    }
    return Optional.of(Duration.ofNanos((long) (wait.toNanos() * spread)));
  }

  private Duration doubled(int attempt) {
    Duration wait = firstWait.multipliedBy(1L << Math.min(attempt - 1, 20));
    return wait.compareTo(longestWait) < 0 ? wait : longestWait;
  }
}
