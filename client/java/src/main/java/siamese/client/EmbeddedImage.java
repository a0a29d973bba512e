package siamese.client;

import java.util.Optional;

/**
 * The embedding of an image.
 *
 * @param embedding ready to be sent as {@link Image#embedding}
 * @param familiarity how familiar the image is to the model; empty where that does not tell
 * @param warning a sentence for people where the image is foreign to the model; empty otherwise
 * @param prepared the image as the network saw it, where asked for
 */
public record EmbeddedImage(
    Embedding embedding,
    Optional<Familiarity> familiarity,
    String warning,
    Optional<PreparedPicture> prepared) {}
