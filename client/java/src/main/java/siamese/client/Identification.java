package siamese.client;

import java.util.List;
import java.util.Optional;

/**
 * The things that an image may show.
 *
 * @param matches best first; unmodifiable
 * @param threshold what the verdicts were made with, 0 to 1
 * @param model the model that answered
 * @param familiarity how familiar the image is to the model; empty where that does not tell
 * @param warning sentences for people where the similarities mean little, or where a part of the
 *     gallery can't be found until it is enrolled again; empty otherwise
 * @param timings where the time went
 * @param searchedEntries how many entries of the gallery there are to search, before the filter
 */
public record Identification(
    List<ThingMatch> matches,
    float threshold,
    ModelReference model,
    Optional<Familiarity> familiarity,
    String warning,
    Timings timings,
    long searchedEntries) {}
