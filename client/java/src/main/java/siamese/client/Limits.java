package siamese.client;

import java.time.Duration;
import java.util.List;

/**
 * What the server accepts. The client splits longer lists by maxPairs, maxCandidates, maxImages and
 * maxMessageBytes; what is over another limit is refused.
 *
 * @param maxMessageBytes of one message, in either direction
 * @param maxImageBytes of one encoded image
 * @param maxImagePixels of one image
 * @param maxSideRatio how many times the shorter side the longer one may be
 * @param maxPairs pairs in one request
 * @param maxCandidates candidates in one request
 * @param maxImages images to embed in one request
 * @param maxTestTimeViews views of a picture that a request may ask for; 0 or 1: the picture alone
 * @param maxStreamReferences references of one stream
 * @param maxStreamWindow frames under way on one stream
 * @param maxQueuedImages images of one call that may wait for the encoder
 * @param maxStreams open streams of all callers
 * @param maxCalls other calls of all callers
 * @param memoryBytes what all calls under way may hold at a time
 * @param defaultDeadline of a request that sets none
 * @param maxDeadline the longest that a request gets
 * @param imageFormats those that are decoded, such as "jpeg"; unmodifiable
 */
public record Limits(
    long maxMessageBytes,
    long maxImageBytes,
    long maxImagePixels,
    int maxSideRatio,
    int maxPairs,
    int maxCandidates,
    int maxImages,
    int maxTestTimeViews,
    int maxStreamReferences,
    int maxStreamWindow,
    int maxQueuedImages,
    int maxStreams,
    int maxCalls,
    long memoryBytes,
    Duration defaultDeadline,
    Duration maxDeadline,
    List<String> imageFormats) {
  // With several views of each picture as many pairs as find room before the encoder.
  int pairsOf(CompareOptions options) {
    long views = options.testTimeViews();
    if (views <= 1 || maxQueuedImages == 0) {
      return maxPairs;
    }
    return (int) Math.min(maxPairs, Math.max(1, maxQueuedImages / (2 * views)));
  }
}
