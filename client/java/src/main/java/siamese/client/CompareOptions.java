package siamese.client;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Optional wishes of a call. {@link #DEFAULT} asks for nothing; the {@code with} methods return
 * changed copies.
 *
 * <p>Making one throws IllegalArgumentException where the deadline is not longer than 0.
 *
 * @param model the model that is to answer: "model", "model/version" or "model/label", such as
 *     "omniglot" or "general/3"; "auto" chooses by familiarity; empty: the server's default
 * @param threshold replaces the model's own, 0 to 1; empty: the model's
 * @param includePrepared whether to send back the pictures as the network saw them
 * @param deadline of the whole call, however many requests it takes, retries included; empty: the
 *     client's
 */
public record CompareOptions(
    String model, Optional<Float> threshold, boolean includePrepared, Optional<Duration> deadline) {
  /** Asks for nothing. */
  public static final CompareOptions DEFAULT =
      new CompareOptions("", Optional.empty(), false, Optional.empty());

  // The threshold's range is the server's to check.
  public CompareOptions {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(threshold, "threshold");
    deadline.ifPresent(Checks::positive);
  }

  /**
   * A copy with another model.
   *
   * @param model see the record
   * @return the copy
   */
  public CompareOptions withModel(String model) {
    return new CompareOptions(model, threshold, includePrepared, deadline);
  }

  /**
   * A copy with another threshold.
   *
   * @param threshold 0 to 1
   * @return the copy
   */
  public CompareOptions withThreshold(float threshold) {
    return new CompareOptions(model, Optional.of(threshold), includePrepared, deadline);
  }

  /**
   * A copy that asks for the pictures as the network saw them.
   *
   * @return the copy
   */
  public CompareOptions withPrepared() {
    return new CompareOptions(model, threshold, true, deadline);
  }

  /**
   * A copy with another deadline.
   *
   * @param deadline longer than 0
   * @return the copy
   */
  public CompareOptions withDeadline(Duration deadline) {
    return new CompareOptions(model, threshold, includePrepared, Optional.of(deadline));
  }

  siamese.v1.CompareOptions message() {
    siamese.v1.CompareOptions.Builder message =
        siamese.v1.CompareOptions.newBuilder().setModel(model).setIncludePrepared(includePrepared);
    threshold.ifPresent(message::setThreshold);
    return message.build();
  }
}
