package siamese.client;

/**
 * How like the pictures that a model knows an image is to it. It tells a drawing from a photograph,
 * noise or a blank frame from either; it can't tell whether a similarity is right.
 *
 * @param value the share, 0 to 1, of pictures such as those that the model was made for that are
 *     less familiar to it than this image
 * @param foreign whether the value is below the model's bound: then similarities of this image mean
 *     little
 */
public record Familiarity(float value, boolean foreign) {}
