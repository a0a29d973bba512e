package siamese.client;

import java.util.Optional;

/**
 * An entry that was kept.
 *
 * @param status how
 * @param familiarity how familiar the picture is to the model; empty where that is not told
 * @param warning a sentence for people where the picture is foreign to the model; empty otherwise
 */
public record EnrolledEntry(
    EnrollStatus status, Optional<Familiarity> familiarity, String warning) {}
