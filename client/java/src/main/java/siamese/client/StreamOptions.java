package siamese.client;

import java.util.Objects;

/**
 * How a stream is run. {@link #DEFAULT} leaves all to the server and drops nothing.
 *
 * <p>Making one throws IllegalArgumentException where the window is below 0.
 *
 * @param window how many frames may be under way at once; the server may grant fewer; 0: as many as
 *     the server allows
 * @param dropPolicy what happens to a frame that comes while the window is full
 * @param compare the wishes of every frame; its deadline is that of the opening and of each
 *     reference, not of the stream
 */
public record StreamOptions(int window, DropPolicy dropPolicy, CompareOptions compare) {
  /** Leaves all to the server and drops nothing. */
  public static final StreamOptions DEFAULT =
      new StreamOptions(0, DropPolicy.NONE, CompareOptions.DEFAULT);

  /** What happens to a frame that comes while the window is full. */
  public enum DropPolicy {
    /** Sending waits until there is room; no frame is lost. */
    NONE,
    /** One frame waits; a newer one takes its place, and the older is reported as dropped. */
    LATEST
  }

  public StreamOptions {
    Checks.notNegative("window", window);
    Objects.requireNonNull(dropPolicy, "dropPolicy");
    Objects.requireNonNull(compare, "compare");
  }

  /**
   * A copy with another window.
   *
   * @param window see the record
   * @return the copy
   */
  public StreamOptions withWindow(int window) {
    return new StreamOptions(window, dropPolicy, compare);
  }

  /**
   * A copy with another drop policy.
   *
   * @param dropPolicy see the record
   * @return the copy
   */
  public StreamOptions withDropPolicy(DropPolicy dropPolicy) {
    return new StreamOptions(window, dropPolicy, compare);
  }

  /**
   * A copy with other wishes of every frame.
   *
   * @param compare see the record
   * @return the copy
   */
  public StreamOptions withCompare(CompareOptions compare) {
    return new StreamOptions(window, dropPolicy, compare);
  }
}
