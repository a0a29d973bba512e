package siamese.client;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * A query's candidates.
 *
 * @param matches those with a score, best first, equal ones in the order of the call; unmodifiable
 * @param failed those without, by index; unmodifiable
 * @param threshold what the verdicts were made with, 0 to 1
 * @param model the model that answered
 * @param familiarity how familiar the query is to the model that knows it best among those that
 *     answered; empty where none tells
 * @param warning a sentence for people where the query is foreign to the model; empty otherwise
 * @param preparedQuery the query as the network saw it, where asked for
 * @param timings where the time went
 * @param encodedImages as of {@link BatchComparison#encodedImages}
 */
public record Ranking(
    List<Match> matches,
    SortedMap<Integer, SiameseException> failed,
    float threshold,
    ModelReference model,
    Optional<Familiarity> familiarity,
    String warning,
    Optional<PreparedPicture> preparedQuery,
    Timings timings,
    long encodedImages) {}
