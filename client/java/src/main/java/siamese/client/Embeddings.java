package siamese.client;

import java.util.List;

/**
 * What became of the images of an embed call.
 *
 * @param results one result an image, in the order of the call; unmodifiable
 * @param model the model that made them; with "auto" each embedding names its own by digest
 * @param timings where the time went
 * @param encodedImages as of {@link BatchComparison#encodedImages}
 */
public record Embeddings(
    List<ItemResult<EmbeddedImage>> results,
    ModelReference model,
    Timings timings,
    long encodedImages) {}
