package siamese.client;

/**
 * How a frame compares with one reference.
 *
 * @param reference its name
 * @param similarity 0 to 1, where 1 means the same class
 * @param same the verdict
 * @param model the model that answered
 * @param foreign whether the reference, or the frame, is foreign to that model where {@link
 *     FrameScores#familiarity} does not say so
 */
public record ReferenceScore(
    String reference, float similarity, boolean same, ModelReference model, boolean foreign) {}
