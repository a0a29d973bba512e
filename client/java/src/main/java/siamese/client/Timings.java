package siamese.client;

import java.time.Duration;

/**
 * Where a call's time went, as the server saw it; of a call in several requests their sum. Stages of
 * several images overlap, so that they need not add up to the total.
 *
 * @param decode from bytes to the network's input pixels
 * @param queue waiting for the encoder
 * @param encode in the encoder
 * @param compare from embeddings to similarities
 * @param total from the request's arrival to the reply
 */
public record Timings(
    Duration decode, Duration queue, Duration encode, Duration compare, Duration total) {
  static final Timings NONE =
      new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO);

  Timings plus(Timings other) {
    return new Timings(
        decode.plus(other.decode),
        queue.plus(other.queue),
        encode.plus(other.encode),
        compare.plus(other.compare),
        total.plus(other.total));
  }
}
