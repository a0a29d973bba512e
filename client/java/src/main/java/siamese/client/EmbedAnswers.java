package siamese.client;

import java.util.ArrayList;
import java.util.List;
import siamese.v1.EmbedResponse;
import siamese.v1.EmbedResult;

/** The answers to the parts of an embed call, put together. */
final class EmbedAnswers {
  private final List<ItemResult<EmbeddedImage>> results = new ArrayList<>();
  private EmbedResponse first;
  private Timings timings = Timings.NONE;
  private long encoded;

  void add(EmbedResponse reply, int offset) {
    if (first == null) {
      first = reply;
    }
    for (EmbedResult result : reply.getResultsList()) {
      results.add(
          result.hasEmbedding()
              ? ItemResult.of(Wire.embedded(result))
              : ItemResult.failed(SiameseException.ofItem(result.getError(), offset, "images")));
    }
    timings = timings.plus(Wire.timings(reply.getTimings()));
    encoded += reply.getEncodedImages();
  }

  void refuse(Parts.Part part, long limit) {
    String field = "images[" + part.first() + "]";
    results.add(ItemResult.failed(SiameseException.tooLarge(part.bytes(), limit, field)));
  }

  Embeddings result() {
    EmbedResponse whole = first == null ? EmbedResponse.getDefaultInstance() : first;
    return new Embeddings(List.copyOf(results), Wire.reference(whole.getModel()), timings, encoded);
  }
}
