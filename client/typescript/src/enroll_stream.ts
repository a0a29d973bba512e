// Enroll: any number of entries in one call, which browsers can't make.

import { create } from "@bufbuild/protobuf";
import { errorOf, itemErrorOf, SiameseError } from "./errors.js";
import { Galleries } from "./galleries.js";
import type { EnrollFailure, EnrollSummary, NewEntry } from "./gallery_types.js";
import { EnrollRequestSchema, type EnrollRequest, type EnrollResponse, type NewEntry as EntryMessage } from "./gen/siamese/v1/gallery_pb.js";
import type { CallOptions } from "./options.js";
import { Source } from "./source.js";
import type { Ready } from "./split.js";

/** How many failures are told of, as the server has it. */
const mostFailures = 1000;

/** Galleries with the stream that only Node has. */
export class StreamingGalleries<Extra> extends Galleries<Extra> {
  /**
   * Keeps any number of entries in one call: they are asked for as fast as the server
   * encodes them, and it returns when all are kept for good or have failed by themselves.
   * The call is not repeated: what was sent before it breaks may have been kept, and can be
   * sent again. Without timeoutMs it has no deadline. What the iterable throws is thrown.
   */
  async enrollStream(gallery: string, entries: AsyncIterable<NewEntry<Extra>> | Iterable<NewEntry<Extra>>, options: CallOptions = {}): Promise<EnrollSummary> {
    const sending = new Sending(gallery, new Source(entries), (entry, field) => this.ready(entry, field));
    const abort = new AbortController();
    const { signal } = options;
    const stop = () => abort.abort(signal?.reason);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    const timeoutMs = this.caller.deadline(options)?.left();
    try {
      return sending.summary(await this.service.enroll(sending.requests(stop), { signal: abort.signal, ...timeoutMs === undefined ? {} : { timeoutMs } }));
    } catch (thrown) {
      throw sending.failure ? sending.failure.error : errorOf(thrown);
    } finally {
      signal?.removeEventListener("abort", stop);
      await sending.source.close();
    }
  }
}

/** Makes the message of an entry; field is told where its picture can't be read. */
type Maker<Extra> = (entry: NewEntry<Extra>, field: string) => Promise<Ready<EntryMessage>>;

/** The entries of one stream on their way. */
class Sending<Extra> {
  readonly source: Source<NewEntry<Extra>>;
  /** What ended it on this side. */
  failure: { error: unknown } | undefined;
  private readonly gallery: string;
  private readonly ready: Maker<Extra>;
  private taken = 0;
  private readonly unsent: EnrollFailure[] = [];
  /** Places of all entries that were not sent, in their order. */
  private readonly gaps: number[] = [];

  constructor(gallery: string, source: Source<NewEntry<Extra>>, ready: Maker<Extra>) {
    this.gallery = gallery;
    this.source = source;
    this.ready = ready;
  }

  /** What is sent; broken is called where there is no going on. */
  async *requests(broken: () => void): AsyncGenerator<EnrollRequest> {
    yield create(EnrollRequestSchema, { gallery: this.gallery });
    for (let entry = await this.next(broken); entry; entry = await this.next(broken)) yield create(EnrollRequestSchema, { entry });
  }

  /** The message of the next entry that can be sent; undefined at their end. */
  private async next(broken: () => void): Promise<EntryMessage | undefined> {
    try {
      for (;;) {
        const item = await this.source.peek();
        this.source.take();
        const entry = item.done ? undefined : await this.message(item.value, this.taken++);
        if (entry || item.done) return entry;
      }
    } catch (error) {
      this.failure = { error };
      broken();
      throw error;
    }
  }

  /** The message of an entry; undefined where its picture can't be read. */
  private async message(entry: NewEntry<Extra>, index: number): Promise<EntryMessage | undefined> {
    try {
      return (await this.ready(entry, "entry.image")).message;
    } catch (error) {
      if (!(error instanceof SiameseError)) throw error;
      this.gaps.push(index);
      if (this.unsent.length < mostFailures) this.unsent.push({ id: entry.id, index, error });
      return undefined;
    }
  }

  /** What became of all entries, those that were not sent among them. */
  summary(reply: EnrollResponse): EnrollSummary {
    const told = reply.failures.map(({ id, index, error }) => ({ id, index: this.placeOf(Number(index)), error: itemErrorOf(error) }));
    return {
      added: Number(reply.added), replaced: Number(reply.replaced), unchanged: Number(reply.unchanged), failed: Number(reply.failed) + this.gaps.length,
      failures: [...told, ...this.unsent].sort((a, b) => a.index - b.index).slice(0, mostFailures),
    };
  }

  /** The place among all entries of one that was sent: the server counts those alone. */
  private placeOf(sent: number): number {
    let index = sent;
    for (const gap of this.gaps) {
      if (gap > index) break;
      index++;
    }
    return index;
  }
}
