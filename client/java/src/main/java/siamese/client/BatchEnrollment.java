package siamese.client;

import java.util.List;

/**
 * What became of a list of entries.
 *
 * @param results one result an entry, in the order of the call; unmodifiable
 * @param timings where the time went
 */
public record BatchEnrollment(List<ItemResult<EnrolledEntry>> results, Timings timings) {}
