package siamese.client;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Optional wishes of a call. {@link #DEFAULT} asks for nothing; the {@code with} methods return
 * changed copies.
 *
 * <p>Making one throws IllegalArgumentException where the deadline is not longer than 0, or
 * testTimeViews is negative.
 *
 * @param model the model that is to answer: "model", "model/version" or "model/label", such as
 *     "omniglot" or "general/3"; "auto" chooses by familiarity; empty: the server's default
 * @param threshold replaces the model's own, 0 to 1; empty: the model's
 * @param includePrepared whether to send back the pictures as the network saw them
 * @param testTimeViews how many views of a picture are scored, whose mean is the similarity: the
 *     picture itself and small shifts, turns and scales of it, at most the limit that the server
 *     tells. Each is one more encode for the server, of both images of a pair and of a query or
 *     frame alone; 0 or 1: the picture alone
 * @param deadline of the whole call, however many requests it takes, retries included; empty: the
 *     client's
 */
public record CompareOptions(
    String model,
    Optional<Float> threshold,
    boolean includePrepared,
    int testTimeViews,
    Optional<Duration> deadline) {
  /** Asks for nothing. */
  public static final CompareOptions DEFAULT =
      new CompareOptions("", Optional.empty(), false, 0, Optional.empty());

  // The threshold's range is the server's to check.
  public CompareOptions {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(threshold, "threshold");
    deadline.ifPresent(Checks::positive);
    Checks.notNegative("testTimeViews", testTimeViews);
  }

  /**
   * A copy with another model.
   *
   * @param model see the record
   * @return the copy
   */
  public CompareOptions withModel(String model) {
    return new CompareOptions(model, threshold, includePrepared, testTimeViews, deadline);
  }

  /**
   * A copy with another threshold.
   *
   * @param threshold 0 to 1
   * @return the copy
   */
  public CompareOptions withThreshold(float threshold) {
    return new CompareOptions(
        model, Optional.of(threshold), includePrepared, testTimeViews, deadline);
  }

  /**
   * A copy that asks for the pictures as the network saw them.
   *
   * @return the copy
   */
  public CompareOptions withPrepared() {
    return new CompareOptions(model, threshold, true, testTimeViews, deadline);
  }

  /**
   * A copy that has several views of each picture scored.
   *
   * @param testTimeViews see the record
   * @return the copy
   */
  public CompareOptions withTestTimeViews(int testTimeViews) {
    return new CompareOptions(model, threshold, includePrepared, testTimeViews, deadline);
  }

  /**
   * A copy with another deadline.
   *
   * @param deadline longer than 0
   * @return the copy
   */
  public CompareOptions withDeadline(Duration deadline) {
    return new CompareOptions(
        model, threshold, includePrepared, testTimeViews, Optional.of(deadline));
  }

  siamese.v1.CompareOptions message() {
    siamese.v1.CompareOptions.Builder message =
        siamese.v1.CompareOptions.newBuilder()
            .setModel(model)
            .setIncludePrepared(includePrepared)
            .setTestTimeViews(testTimeViews);
    threshold.ifPresent(message::setThreshold);
    return message.build();
  }
}
