package siamese.client;

/**
 * What a search for duplicates has looked at.
 *
 * @param entries how many entries were looked at
 * @param groups how many groups were found
 */
public record DuplicateCounts(long entries, long groups) {}
