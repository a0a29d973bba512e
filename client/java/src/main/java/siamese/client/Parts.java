package siamese.client;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import java.util.ArrayList;
import java.util.List;

/** Lists split into requests that the server takes. */
final class Parts {
  private Parts() {}

  /** Items first to end, exclusive, of the list; one that is too large for any message is alone. */
  record Part(int first, int end, boolean tooLarge, long bytes) {}

  /**
   * Splits in order. An empty list is one empty part, which the server refuses in its own words.
   *
   * @param items the repeated field's messages
   * @param maxItems of one request
   * @param maxBytes of one message
   * @param base the request without items
   */
  static List<Part> split(
      List<? extends MessageLite> items, int maxItems, long maxBytes, MessageLite base) {
    List<Part> parts = new ArrayList<>();
    long room = maxBytes - base.getSerializedSize();
    if (room <= 0) { // it is not the items that are too large; the server says so
      return List.of(new Part(0, items.size(), false, 0));
    }
    int first = 0;
    long used = 0;
    for (int i = 0; i < items.size(); i++) {
      // Fields 1 to 15 have tags of one byte.
      long size = CodedOutputStream.computeMessageSizeNoTag(items.get(i)) + 1L;
      boolean full = i - first >= maxItems || used + size > room;
      if (i > first && full) {
        parts.add(new Part(first, i, false, used));
        first = i;
        used = 0;
      }
      used += size;
      if (size > room) {
        parts.add(new Part(i, i + 1, true, size));
        first = i + 1;
        used = 0;
      }
    }
    if (first < items.size() || parts.isEmpty()) {
      parts.add(new Part(first, items.size(), false, used));
    }
    return parts;
  }
}
