package siamese.client;

import java.time.Instant;
import java.util.Optional;

/**
 * What became of one frame of a stream: scores, its own error, or neither where a newer frame
 * replaced it.
 *
 * @param id the frame's number, from 0 in the order of sending
 * @param sentAt when it was given to the stream, by this machine's clock
 * @param scores empty where the frame failed or was dropped
 * @param error why it failed; the stream goes on
 */
public record FrameResult(
    long id, Instant sentAt, Optional<FrameScores> scores, Optional<SiameseException> error) {
  /**
   * Reports whether a newer frame replaced this one.
   *
   * @return false unless the drop policy is LATEST
   */
  public boolean dropped() {
    return scores.isEmpty() && error.isEmpty();
  }
}
