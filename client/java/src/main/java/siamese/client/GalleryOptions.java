package siamese.client;

import java.util.Objects;

/**
 * What a gallery is made with. {@link #DEFAULT} is the server's default model, and keeps embeddings
 * alone; the {@code with} methods return changed copies.
 *
 * @param model the name of a model, without version or label; empty: the server's default, of "auto"
 *     the first that is tried
 * @param keepPictures keep the bytes of pictures, so that a reindex can encode them again
 * @param keepThumbnails keep a small JPEG of each
 */
public record GalleryOptions(String model, boolean keepPictures, boolean keepThumbnails) {
  /** The server's default model, and embeddings alone. */
  public static final GalleryOptions DEFAULT = new GalleryOptions("", false, false);

  public GalleryOptions {
    Objects.requireNonNull(model, "model");
  }

  /**
   * A copy with another model.
   *
   * @param model see the record
   * @return the copy
   */
  public GalleryOptions withModel(String model) {
    return new GalleryOptions(model, keepPictures, keepThumbnails);
  }

  /**
   * A copy that keeps the bytes of pictures.
   *
   * @return the copy
   */
  public GalleryOptions withPictures() {
    return new GalleryOptions(model, true, keepThumbnails);
  }

  /**
   * A copy that keeps thumbnails.
   *
   * @return the copy
   */
  public GalleryOptions withThumbnails() {
    return new GalleryOptions(model, keepPictures, true);
  }
}
