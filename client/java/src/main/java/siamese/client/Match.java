package siamese.client;

import java.util.Optional;

/**
 * A candidate with its score.
 *
 * @param index its place in the call's candidates, from 0
 * @param similarity 0 to 1, where 1 means the same class
 * @param same the verdict
 * @param model the model that scored it
 * @param familiarity how familiar it is to the model; empty where that does not tell
 * @param warning a sentence for people where the similarity means little; empty otherwise
 * @param prepared it as the network saw it, where asked for
 */
public record Match(
    int index,
    float similarity,
    boolean same,
    ModelReference model,
    Optional<Familiarity> familiarity,
    String warning,
    Optional<PreparedPicture> prepared) {}
