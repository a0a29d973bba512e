package siamese.client;

import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The entries of page after page; each is asked for when the one before is used up. */
final class EntryPages implements Iterator<Entry> {
  private final Function<String, EntryPage> ask; // by token; "": the first
  private Iterator<Entry> page;
  private Optional<String> token = Optional.of(""); // empty: that was the last page

  private EntryPages(Function<String, EntryPage> ask) {
    this.ask = ask;
    this.page = Collections.emptyIterator();
  }

  static Stream<Entry> stream(Function<String, EntryPage> ask) {
    int kind = Spliterator.ORDERED | Spliterator.NONNULL;
    return StreamSupport.stream(
        Spliterators.spliteratorUnknownSize(new EntryPages(ask), kind), false);
  }

  @Override
  public boolean hasNext() {
    while (!page.hasNext() && token.isPresent()) { // a page may be empty, and not the last
      EntryPage next = ask.apply(token.get());
      page = next.entries().iterator();
      token = next.nextToken();
    }
    return page.hasNext();
  }

  @Override
  public Entry next() {
    if (!hasNext()) {
      throw new NoSuchElementException("that was the last entry");
    }
    return page.next();
  }
}
