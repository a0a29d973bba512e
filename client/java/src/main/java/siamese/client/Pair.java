package siamese.client;

/**
 * Two images to compare. Their order does not matter. A null image is sent as one that is not set,
 * which the server answers with that pair's error IMAGE_UNSET.
 *
 * @param a the first image
 * @param b the second image
 */
public record Pair(Image a, Image b) {}
