package siamese.client;

/**
 * What became of one pair.
 *
 * @param score its score
 * @param threshold what the verdict was made with, 0 to 1
 * @param timings where the time went
 */
public record Comparison(PairScore score, float threshold, Timings timings) {
  /**
   * How alike the images are.
   *
   * @return 0 to 1, where 1 means the same class
   */
  public float similarity() {
    return score.similarity();
  }

  /**
   * The verdict.
   *
   * @return whether the similarity is at or above the threshold
   */
  public boolean same() {
    return score.same();
  }
}
