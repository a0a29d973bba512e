package siamese.client;

import java.util.Map;

/**
 * An entry to enroll. One of its id is replaced, unless it has the same picture (or embedding), thing
 * and metadata. The lengths are the server's to check.
 *
 * <p>Making one throws IllegalArgumentException where a text is no Unicode: has half a surrogate pair.
 *
 * @param id its name within the gallery: 1 to 256 bytes of UTF-8 without control characters
 * @param image the picture, or an embedding of the gallery's model
 * @param thing what it shows, at most 256 bytes of the same; empty: it is a thing by itself, named as
 *     the entry
 * @param metadata at most 32 keys of 1 to 64 bytes, values of at most 1,024 bytes, together at most
 *     8 kB; copied
 */
public record NewEntry(String id, Image image, String thing, Map<String, String> metadata) {
  public NewEntry {
    Checks.text("id", id);
    Checks.text("thing", thing);
    metadata = Map.copyOf(metadata);
    metadata.keySet().forEach(key -> Checks.text("metadata key", key));
    metadata.values().forEach(value -> Checks.text("metadata value", value));
  }

  /**
   * An entry that is a thing by itself, without metadata.
   *
   * @param id see the record
   * @param image see the record
   */
  public NewEntry(String id, Image image) {
    this(id, image, "", Map.of());
  }

  /**
   * A copy with another thing.
   *
   * @param thing see the record
   * @return the copy
   */
  public NewEntry withThing(String thing) {
    return new NewEntry(id, image, thing, metadata);
  }

  /**
   * A copy with other metadata.
   *
   * @param metadata see the record
   * @return the copy
   */
  public NewEntry withMetadata(Map<String, String> metadata) {
    return new NewEntry(id, image, thing, metadata);
  }

  siamese.v1.NewEntry message() {
    return siamese.v1.NewEntry.newBuilder()
        .setId(id)
        .setThing(thing)
        .putAllMetadata(metadata)
        .setImage(Image.message(image))
        .build();
  }
}
