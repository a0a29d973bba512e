package siamese.client;

import java.util.ArrayList;
import java.util.List;
import siamese.v1.BatchCompareResponse;
import siamese.v1.PairResult;

/** The answers to the parts of a batch, put together. */
final class BatchAnswers {
  private final List<ItemResult<PairScore>> results = new ArrayList<>();
  private BatchCompareResponse first;
  private Timings timings = Timings.NONE;
  private long encoded;

  void add(BatchCompareResponse reply, int offset) {
    if (first == null) {
      first = reply;
    }
    ModelReference model = Wire.reference(reply.getModel());
    for (PairResult result : reply.getResultsList()) {
      results.add(
          result.hasScore()
              ? ItemResult.of(Wire.pairScore(result.getScore(), model))
              : ItemResult.failed(SiameseException.ofItem(result.getError(), offset, "pairs")));
    }
    timings = timings.plus(Wire.timings(reply.getTimings()));
    encoded += reply.getEncodedImages();
  }

  void refuse(Parts.Part part, long limit) {
    String field = "pairs[" + part.first() + "]";
    results.add(ItemResult.failed(SiameseException.tooLarge(part.bytes(), limit, field)));
  }

  BatchComparison result() {
    BatchCompareResponse whole = first == null ? BatchCompareResponse.getDefaultInstance() : first;
    return new BatchComparison(
        List.copyOf(results),
        whole.getThreshold(),
        Wire.reference(whole.getModel()),
        timings,
        encoded);
  }
}
