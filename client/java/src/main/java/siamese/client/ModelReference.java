package siamese.client;

/**
 * The model that answered.
 *
 * @param name such as "siamese-omniglot"
 * @param version the name of the folder that it was loaded from
 * @param digest lower-case hexadecimal SHA-256 of the weights: two models with the same digest give
 *     the same embeddings
 */
public record ModelReference(String name, String version, String digest) {}
