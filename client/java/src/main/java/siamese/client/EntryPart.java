package siamese.client;

/** The parts of an entry that are large, and come only where asked for. */
public enum EntryPart {
  /** A small JPEG, where the gallery keeps them. */
  THUMBNAIL,
  /** The picture as it came, where the gallery keeps them. */
  PICTURE,
  /** What the model made of the picture. */
  EMBEDDING
}
