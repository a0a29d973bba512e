package siamese.client;

/**
 * A thing that an image may show.
 *
 * @param thing the thing
 * @param entry that of the thing which is most like the image
 * @param similarity how alike the image and that entry are, 0 to 1, as {@link SiameseClient#compare}
 *     says it
 * @param same the verdict: whether the similarity is at or above the threshold
 */
public record ThingMatch(String thing, Entry entry, float similarity, boolean same) {}
