package siamese.client;

import java.util.List;

/**
 * How far a gallery's move to a model is.
 *
 * @param encoded entries whose embeddings are of the new model now
 * @param missing entries that have no picture to encode, or one that can't be used any more
 * @param entries those of the gallery
 * @param done whether the work has ended
 * @param missingIds entries that have to be sent again, the first 1,000, told with done; {@link
 *     EntryListOptions#staleOnly} lists all; unmodifiable
 */
public record ReindexProgress(
    long encoded, long missing, long entries, boolean done, List<String> missingIds) {}
