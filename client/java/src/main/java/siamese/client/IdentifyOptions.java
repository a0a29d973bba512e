package siamese.client;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Optional wishes of an identification. {@link #DEFAULT} asks for nothing; the {@code with} methods
 * return changed copies.
 *
 * <p>Making one throws IllegalArgumentException where topK or testTimeViews is below 0.
 *
 * @param topK how many things at most, up to 100; 0: 10
 * @param minSimilarity leaves out things whose best entry has less, 0 to 1; 0: none
 * @param filter only entries that have all of these keys with these values; copied
 * @param threshold replaces the model's own, 0 to 1; empty: the model's
 * @param includeThumbnails with thumbnails of the best entries, where kept
 * @param testTimeViews how many views of the image are scored, as in {@link CompareOptions}
 */
public record IdentifyOptions(
    int topK,
    float minSimilarity,
    Map<String, String> filter,
    Optional<Float> threshold,
    boolean includeThumbnails,
    int testTimeViews) {
  /** Asks for nothing. */
  public static final IdentifyOptions DEFAULT =
      new IdentifyOptions(0, 0, Map.of(), Optional.empty(), false, 0);

  // The ranges of similarities and the largest topK are the server's to check.
  public IdentifyOptions {
    Checks.notNegative("topK", topK);
    Checks.notNegative("testTimeViews", testTimeViews);
    filter = Map.copyOf(filter);
    Objects.requireNonNull(threshold, "threshold");
  }

  /**
   * A copy with another bound on how many things are returned.
   *
   * @param topK see the record
   * @return the copy
   */
  public IdentifyOptions withTopK(int topK) {
    return new IdentifyOptions(
        topK, minSimilarity, filter, threshold, includeThumbnails, testTimeViews);
  }

  /**
   * A copy with another least similarity.
   *
   * @param minSimilarity 0 to 1
   * @return the copy
   */
  public IdentifyOptions withMinSimilarity(float minSimilarity) {
    return new IdentifyOptions(
        topK, minSimilarity, filter, threshold, includeThumbnails, testTimeViews);
  }

  /**
   * A copy with another filter.
   *
   * @param filter see the record
   * @return the copy
   */
  public IdentifyOptions withFilter(Map<String, String> filter) {
    return new IdentifyOptions(
        topK, minSimilarity, filter, threshold, includeThumbnails, testTimeViews);
  }

  /**
   * A copy with another threshold.
   *
   * @param threshold 0 to 1
   * @return the copy
   */
  public IdentifyOptions withThreshold(float threshold) {
    return new IdentifyOptions(
        topK, minSimilarity, filter, Optional.of(threshold), includeThumbnails, testTimeViews);
  }

  /**
   * A copy that asks for thumbnails.
   *
   * @return the copy
   */
  public IdentifyOptions withThumbnails() {
    return new IdentifyOptions(topK, minSimilarity, filter, threshold, true, testTimeViews);
  }

  /**
   * A copy that has several views of the image scored.
   *
   * @param testTimeViews see the record
   * @return the copy
   */
  public IdentifyOptions withTestTimeViews(int testTimeViews) {
    return new IdentifyOptions(
        topK, minSimilarity, filter, threshold, includeThumbnails, testTimeViews);
  }
}
