package siamese.client;

import java.util.List;

/**
 * What became of a stream of entries. Each is in one of the four counts.
 *
 * @param added entries that there were none of before
 * @param replaced entries that took the place of one with the same id
 * @param unchanged entries that were there already as they are
 * @param failed entries that failed
 * @param failures what became of those that failed, in their order, of the first 1,000; unmodifiable
 */
public record Enrollment(
    long added, long replaced, long unchanged, long failed, List<EnrollFailure> failures) {}
