package siamese.client;

import java.util.List;
import java.util.Optional;

/**
 * A page of a gallery's entries.
 *
 * @param entries in the order of their ids, by bytes; unmodifiable
 * @param nextToken what asks for the next page, with the same options; empty where this was the last
 */
public record EntryPage(List<Entry> entries, Optional<String> nextToken) {}
