package siamese.client;

import java.util.Map;
import java.util.Objects;

/**
 * Which entries of a gallery are wanted. {@link #DEFAULT} asks for all; the {@code with} methods
 * return changed copies.
 *
 * <p>Making one throws IllegalArgumentException where the page size is below 0.
 *
 * @param filter only entries that have all of these keys with these values; copied
 * @param thing only entries of this thing; empty: of all
 * @param staleOnly only entries of another model than the gallery's
 * @param includeThumbnails with thumbnails, where kept
 * @param pageSize how many come in a message at most, up to 1,000; 0: 100
 */
public record EntryListOptions(
    Map<String, String> filter,
    String thing,
    boolean staleOnly,
    boolean includeThumbnails,
    int pageSize) {
  /** Asks for all entries. */
  public static final EntryListOptions DEFAULT =
      new EntryListOptions(Map.of(), "", false, false, 0);

  // The longest page is the server's to check.
  public EntryListOptions {
    filter = Map.copyOf(filter);
    Objects.requireNonNull(thing, "thing");
    Checks.notNegative("pageSize", pageSize);
  }

  /**
   * A copy with another filter.
   *
   * @param filter see the record
   * @return the copy
   */
  public EntryListOptions withFilter(Map<String, String> filter) {
    return new EntryListOptions(filter, thing, staleOnly, includeThumbnails, pageSize);
  }

  /**
   * A copy that asks for the entries of a thing.
   *
   * @param thing see the record
   * @return the copy
   */
  public EntryListOptions withThing(String thing) {
    return new EntryListOptions(filter, thing, staleOnly, includeThumbnails, pageSize);
  }

  /**
   * A copy that asks for the entries that have to be sent again.
   *
   * @return the copy
   */
  public EntryListOptions withStaleOnly() {
    return new EntryListOptions(filter, thing, true, includeThumbnails, pageSize);
  }

  /**
   * A copy that asks for thumbnails.
   *
   * @return the copy
   */
  public EntryListOptions withThumbnails() {
    return new EntryListOptions(filter, thing, staleOnly, true, pageSize);
  }

  /**
   * A copy with another page size.
   *
   * @param pageSize see the record
   * @return the copy
   */
  public EntryListOptions withPageSize(int pageSize) {
    return new EntryListOptions(filter, thing, staleOnly, includeThumbnails, pageSize);
  }
}
