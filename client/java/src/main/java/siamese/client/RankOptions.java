package siamese.client;

import java.util.Objects;

/**
 * Optional wishes of a ranking. {@link #DEFAULT} asks for nothing.
 *
 * <p>Making one throws IllegalArgumentException where topK is below 0.
 *
 * @param topK how many of the best to return; 0: all
 * @param minSimilarity leaves out candidates below this similarity, 0 to 1; 0: none
 * @param compare the wishes of any comparing call
 */
public record RankOptions(int topK, float minSimilarity, CompareOptions compare) {
  /** Asks for nothing. */
  public static final RankOptions DEFAULT = new RankOptions(0, 0, CompareOptions.DEFAULT);

  // The range of minSimilarity is the server's to check.
  public RankOptions {
    Checks.notNegative("topK", topK);
    Objects.requireNonNull(compare, "compare");
  }

  /**
   * A copy with another bound on how many are returned.
   *
   * @param topK 0: all
   * @return the copy
   */
  public RankOptions withTopK(int topK) {
    return new RankOptions(topK, minSimilarity, compare);
  }

  /**
   * A copy with another least similarity.
   *
   * @param minSimilarity 0 to 1
   * @return the copy
   */
  public RankOptions withMinSimilarity(float minSimilarity) {
    return new RankOptions(topK, minSimilarity, compare);
  }

  /**
   * A copy with other wishes of any comparing call.
   *
   * @param compare see the record
   * @return the copy
   */
  public RankOptions withCompare(CompareOptions compare) {
    return new RankOptions(topK, minSimilarity, compare);
  }
}
