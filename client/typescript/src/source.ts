// An iterable whose next item can be looked at before it is taken.

/** Hands on items of an iterable one by one. */
export class Source<T> {
  /** Whether there are no more. */
  isDone = false;
  private readonly iterator: AsyncIterator<T> | Iterator<T>;
  private peeked: Promise<IteratorResult<T>> | undefined;
  private isPending = false;

  constructor(items: AsyncIterable<T> | Iterable<T>) {
    if (typeof items !== "object" || items === null) throw new TypeError(`received a ${typeof items} as the frames, expected an iterable of images`);
    this.iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  }

  /** The next item, asked for once. */
  peek(): Promise<IteratorResult<T>> {
    if (!this.peeked) {
      this.peeked = this.ask();
      this.peeked.catch(() => {}); // who takes it is told; perhaps nobody does any more
    }
    return this.peeked;
  }

  /** Takes the item that was looked at. */
  take(): void { this.peeked = undefined; }

  /** Lets the iterable end; one that owes an item is not waited for. */
  async close(): Promise<void> {
    if (this.isDone) return;
    this.isDone = true;
    const ended = Promise.resolve(this.iterator.return?.());
    if (this.isPending) ended.catch(() => {}); // it may never come
    else await ended;
  }

  private async ask(): Promise<IteratorResult<T>> {
    this.isPending = true;
    try {
      const item = await this.iterator.next();
      if (item.done) this.isDone = true;
      return item;
    } catch (error) {
      this.isDone = true; // as the language has it: it is not asked again
      throw error;
    } finally {
      this.isPending = false;
    }
  }
}
