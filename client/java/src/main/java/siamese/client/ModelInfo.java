package siamese.client;

/**
 * A model that the server serves.
 *
 * @param reference name, version and digest
 * @param servingName the name by which calls ask for it, such as "general"
 * @param title what it is for in a word or two for people; may be empty
 * @param knows what it knows in a sentence or two; may be empty
 * @param inputWidth columns of the network's input
 * @param inputHeight rows of the network's input
 * @param embeddingLength how many numbers an embedding has
 * @param threshold the similarity, 0 to 1, from which the verdict is "same" by default
 * @param familiarityBound the familiarity, 0 to 1, below which an image is foreign to it; 0: it does
 *     not tell
 * @param resizeRule how a picture is brought to the input's size
 * @param device where it runs, such as "cpu"
 * @param precision what it computes in, such as "float32"; empty where that is not known
 */
public record ModelInfo(
    ModelReference reference,
    String servingName,
    String title,
    String knows,
    int inputWidth,
    int inputHeight,
    int embeddingLength,
    float threshold,
    float familiarityBound,
    String resizeRule,
    String device,
    String precision) {}
