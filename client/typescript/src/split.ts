// Lists of any length, in parts that the server takes.

import { SiameseError } from "./errors.js";

/** An item that is ready to be sent. */
export interface Ready<M> {
  message: M;
  /** Bytes of a message that it takes at most. */
  bytes: number;
}

/** What one call takes. */
export interface Bounds {
  items: number;
  bytes: number;
}

/** The items of one call, each with its place in the whole list. */
export interface Part<M> {
  messages: M[];
  indexes: number[];
}

/**
 * The parts of a list, each within bounds. Items are made ready when their part is, so that
 * no more than a part is held; failed is told of those that can't be. An empty list is
 * one empty part: the server says what is wrong with it.
 */
export async function* partsOf<I, M>(
  items: readonly I[], bounds: Bounds, ready: (item: I, index: number) => Promise<Ready<M>>, failed: (index: number, error: SiameseError) => void,
): AsyncGenerator<Part<M>> {
  let part: Part<M> = { messages: [], indexes: [] };
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    let made: Ready<M>;
    try {
      made = await ready(item, index);
      if (made.bytes > bounds.bytes) throw tooLarge(made.bytes, bounds.bytes);
    } catch (error) {
      if (!(error instanceof SiameseError)) throw error;
      failed(index, error);
      continue;
    }
    if (part.messages.length > 0 && (part.messages.length >= bounds.items || bytes + made.bytes > bounds.bytes)) {
      yield part;
      part = { messages: [], indexes: [] };
      bytes = 0;
    }
    part.messages.push(made.message);
    part.indexes.push(index);
    bytes += made.bytes;
  }
  if (part.messages.length > 0 || items.length === 0) yield part;
}

function tooLarge(received: number, expected: number): SiameseError {
  return new SiameseError(`received ${received} bytes of one item, expected at most ${expected}, what is left of the server's message`, {
    code: "INVALID_ARGUMENT", reason: "IMAGE_TOO_LARGE",
  });
}
