package siamese.client;

import java.util.Optional;

/**
 * The score of a pair.
 *
 * @param similarity 0 to 1, where 1 means the same class
 * @param same the verdict: similarity at or above the threshold
 * @param model the model that answered this pair
 * @param familiarityA how familiar the first image is to it; empty where it does not tell
 * @param familiarityB the same of the second image
 * @param warning a sentence for people where the similarity means little; empty otherwise
 * @param preparedA the first image as the network saw it, where asked for
 * @param preparedB the second image as the network saw it, where asked for
 */
public record PairScore(
    float similarity,
    boolean same,
    ModelReference model,
    Optional<Familiarity> familiarityA,
    Optional<Familiarity> familiarityB,
    String warning,
    Optional<PreparedPicture> preparedA,
    Optional<PreparedPicture> preparedB) {}
