package siamese.client;

import java.util.List;
import java.util.Optional;

/**
 * How a frame compares with the references.
 *
 * @param scores one a reference, in the order in which their names were first set; unmodifiable
 * @param threshold what the verdicts were made with, 0 to 1
 * @param familiarity how familiar the frame is to the model; empty where that does not tell
 * @param warning a sentence for people where the frame is foreign to the model; empty otherwise
 * @param timings where the time went
 * @param prepared the frame as the network saw it, where asked for
 */
public record FrameScores(
    List<ReferenceScore> scores,
    float threshold,
    Optional<Familiarity> familiarity,
    String warning,
    Timings timings,
    Optional<PreparedPicture> prepared) {}
