package siamese.client;

import java.util.Optional;

/**
 * A reference that a stream has taken.
 *
 * @param name its name
 * @param familiarity how familiar it is to the model; empty where that does not tell
 * @param warning a sentence for people where it is foreign to the model; empty otherwise
 * @param prepared it as the network saw it, where asked for
 */
public record StoredReference(
    String name,
    Optional<Familiarity> familiarity,
    String warning,
    Optional<PreparedPicture> prepared) {}
