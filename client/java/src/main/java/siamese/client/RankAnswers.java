package siamese.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import siamese.v1.CandidateError;
import siamese.v1.RankResponse;
import siamese.v1.RankedCandidate;

/** The answers to the parts of a ranking, put together. */
final class RankAnswers {
  private static final Comparator<Match> BEST_FIRST =
      Comparator.comparing(Match::similarity, Comparator.reverseOrder())
          .thenComparing(Match::index);

  private final List<Match> matches = new ArrayList<>();
  private final SortedMap<Integer, SiameseException> failed = new TreeMap<>();
  private RankResponse first;
  private RankResponse knowing; // whose model knows the query best
  private Timings timings = Timings.NONE;
  private long encoded;

  void add(RankResponse reply, int offset) {
    if (first == null) {
      first = reply;
      knowing = reply;
    }
    if (reply.hasFamiliarity()
        && (!knowing.hasFamiliarity()
            || reply.getFamiliarity().getValue() > knowing.getFamiliarity().getValue())) {
      knowing = reply;
    }
    ModelReference model = Wire.reference(reply.getModel());
    for (RankedCandidate ranked : reply.getRankedList()) {
      matches.add(Wire.match(ranked, offset, model));
    }
    for (CandidateError error : reply.getErrorsList()) {
      failed.put(
          error.getIndex() + offset,
          SiameseException.ofItem(error.getError(), offset, "candidates"));
    }
    timings = timings.plus(Wire.timings(reply.getTimings()));
    encoded += reply.getEncodedImages();
  }

  void refuse(Parts.Part part, long limit) {
    String field = "candidates[" + part.first() + "]";
    failed.put(part.first(), SiameseException.tooLarge(part.bytes(), limit, field));
  }

  Ranking result(int topK) {
    matches.sort(BEST_FIRST);
    List<Match> best =
        topK > 0 && topK < matches.size() ? matches.subList(0, topK) : matches;
    RankResponse whole = first == null ? RankResponse.getDefaultInstance() : first;
    RankResponse query = knowing == null ? whole : knowing;
    return new Ranking(
        List.copyOf(best),
        Collections.unmodifiableSortedMap(failed),
        whole.getThreshold(),
        Wire.reference(whole.getModel()),
        Wire.familiarity(query.hasFamiliarity(), query.getFamiliarity()),
        query.getWarning(),
        Wire.picture(query.getPreparedQueryPng()),
        timings,
        encoded);
  }
}
