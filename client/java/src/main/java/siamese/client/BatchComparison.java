package siamese.client;

import java.util.List;

/**
 * What became of many pairs.
 *
 * @param results one result a pair, in the order of the call; unmodifiable
 * @param threshold what the verdicts were made with, 0 to 1; with "auto" a pair's own model may have
 *     another
 * @param model the model that answered; with "auto" each score names its own
 * @param timings where the time went
 * @param encodedImages how many images the encoder ran for this call: the distinct ones that were
 *     neither cached nor under way for another call
 */
public record BatchComparison(
    List<ItemResult<PairScore>> results,
    float threshold,
    ModelReference model,
    Timings timings,
    long encodedImages) {}
