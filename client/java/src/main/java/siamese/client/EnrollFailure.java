package siamese.client;

/**
 * An entry that was not kept.
 *
 * @param id its id, as it was sent
 * @param index its place among the entries, from 0
 * @param error why
 */
public record EnrollFailure(String id, long index, SiameseException error) {}
