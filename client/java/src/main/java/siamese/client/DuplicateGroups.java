package siamese.client;

import java.util.Iterator;
import java.util.Optional;
import siamese.v1.FindDuplicatesResponse;
import siamese.v1.GalleryServiceGrpc;

/**
 * Groups of entries that are alike, the largest similarity first; from {@link
 * Galleries#findDuplicates(String)}. Close it unless all is taken. For one thread at a time, but
 * {@link #close} may come from any.
 */
public final class DuplicateGroups implements Iterator<DuplicateGroup>, AutoCloseable {
  private final Answers<FindDuplicatesResponse, DuplicateGroup> answers;
  private DuplicateCounts counts; // null before the end

  DuplicateGroups(
      Caller caller,
      Caller.Time time,
      GalleryServiceGrpc.GalleryServiceBlockingStub stub,
      siamese.v1.FindDuplicatesRequest request) {
    answers =
        Answers.of(caller, time, stub, bounded -> bounded.findDuplicates(request), this::read);
  }

  private Answers.Told<DuplicateGroup> read(FindDuplicatesResponse message) {
    switch (message.getEventCase()) {
      case GROUP -> {
        return new Answers.Told<>(Optional.of(GalleryWire.group(message.getGroup())), false);
      }
      case DONE -> {
        counts =
            new DuplicateCounts(message.getDone().getEntries(), message.getDone().getGroups());
        return new Answers.Told<>(Optional.empty(), true);
      }
      default -> throw GalleryWire.unexpected(
          "a message with nothing in it", "a group of duplicates, or their end");
    }
  }

  /**
   * Reports whether there is another group, waiting for it.
   *
   * @throws SiameseException what ended the call
   */
  @Override
  public boolean hasNext() {
    return answers.hasNext();
  }

  @Override
  public DuplicateGroup next() {
    return answers.next();
  }

  /**
   * What was looked at, once all groups are taken.
   *
   * @return empty before {@link #hasNext} has returned false, and where the call was closed
   */
  public Optional<DuplicateCounts> counts() {
    return Optional.ofNullable(counts);
  }

  /** Ends the call. May be called more than once. */
  @Override
  public void close() {
    answers.close();
  }
}
