package siamese.client;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Optional wishes of a search for duplicates. {@link #DEFAULT} asks for nothing; the {@code with}
 * methods return changed copies.
 *
 * @param threshold the similarity, 0 to 1, from which two entries are alike; empty: the model's own
 * @param filter only entries that have all of these keys with these values; copied
 * @param acrossThings only groups of more than one thing
 */
public record DuplicateOptions(
    Optional<Float> threshold, Map<String, String> filter, boolean acrossThings) {
  /** Asks for nothing. */
  public static final DuplicateOptions DEFAULT =
      new DuplicateOptions(Optional.empty(), Map.of(), false);

  // The threshold's range is the server's to check.
  public DuplicateOptions {
    Objects.requireNonNull(threshold, "threshold");
    filter = Map.copyOf(filter);
  }

  /**
   * A copy with another threshold.
   *
   * @param threshold 0 to 1
   * @return the copy
   */
  public DuplicateOptions withThreshold(float threshold) {
    return new DuplicateOptions(Optional.of(threshold), filter, acrossThings);
  }

  /**
   * A copy with another filter.
   *
   * @param filter see the record
   * @return the copy
   */
  public DuplicateOptions withFilter(Map<String, String> filter) {
    return new DuplicateOptions(threshold, filter, acrossThings);
  }

  /**
   * A copy that asks for groups of more than one thing alone.
   *
   * @return the copy
   */
  public DuplicateOptions withAcrossThings() {
    return new DuplicateOptions(threshold, filter, true);
  }
}
