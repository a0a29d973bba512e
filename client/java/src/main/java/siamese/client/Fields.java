package siamese.client;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Paths of fields, as errors name them. */
final class Fields {
  private static final Pattern INDEXED = Pattern.compile("^(\\w+)\\[(\\d{1,9})\\](.*)$");

  private Fields() {}

  /** Moves the index of a path that begins with this list, such as {@code pairs[3].image_b}. */
  static String shift(String field, String list, int offset) {
    Matcher parts = INDEXED.matcher(field);
    if (offset == 0 || !parts.matches() || !parts.group(1).equals(list)) {
      return field;
    }
    return list + "[" + (Integer.parseInt(parts.group(2)) + offset) + "]" + parts.group(3);
  }
}
