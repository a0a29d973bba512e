/**
 * Compares images through a siamese server.
 *
 * <p>{@link siamese.client.SiameseClient} has every call: one pair, many pairs, a ranking,
 * embeddings, a stream of frames; {@link siamese.client.Galleries} those of galleries. Results are
 * immutable; errors are {@link siamese.client.SiameseException}. A similarity is 0 to 1, where 1 means
 * the same class; at or above the threshold the verdict is "same".
 */
package siamese.client;
