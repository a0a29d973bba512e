package siamese.client;

import java.util.List;

/**
 * Entries of which each is alike to at least one other.
 *
 * @param entries at most 1,000: first the one that is alike to the most others; unmodifiable
 * @param omittedEntries how many further ones the group has
 */
public record DuplicateGroup(List<Duplicate> entries, long omittedEntries) {}
