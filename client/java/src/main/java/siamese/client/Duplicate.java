package siamese.client;

/**
 * An entry of a group of entries that are alike.
 *
 * @param entry the entry, without its large parts
 * @param similarity its largest to another entry of the group, 0 to 1
 */
public record Duplicate(Entry entry, float similarity) {}
