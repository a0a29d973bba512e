package siamese.client;

import java.util.ArrayList;
import java.util.List;
import siamese.v1.BatchEnrollResponse;
import siamese.v1.EnrollResult;

/** The answers to the parts of a list of entries, put together. */
final class EnrollAnswers {
  private final List<ItemResult<EnrolledEntry>> results = new ArrayList<>();
  private Timings timings = Timings.NONE;

  void add(BatchEnrollResponse reply, Parts.Part part) {
    int sent = part.end() - part.first();
    if (reply.getResultsCount() != sent) {
      throw GalleryWire.unexpected(
          "%d results of %d entries".formatted(reply.getResultsCount(), sent), "one of each");
    }
    for (EnrollResult result : reply.getResultsList()) {
      results.add(
          result.hasError()
              ? ItemResult.failed(
                  SiameseException.ofItem(result.getError(), part.first(), "entries"))
              : ItemResult.of(GalleryWire.enrolled(result)));
    }
    timings = timings.plus(Wire.timings(reply.getTimings()));
  }

  void refuse(Parts.Part part, long limit) {
    String field = "entries[" + part.first() + "]";
    results.add(ItemResult.failed(SiameseException.tooLarge(part.bytes(), limit, field)));
  }

  BatchEnrollment result() {
    return new BatchEnrollment(List.copyOf(results), timings);
  }
}
