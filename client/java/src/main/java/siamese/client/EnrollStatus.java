package siamese.client;

/** How an entry was kept. */
public enum EnrollStatus {
  /** There was none of its id. */
  ADDED,
  /** It took the place of another one. */
  REPLACED,
  /** It was there already. */
  UNCHANGED
}
