// Making calls within their deadlines, again where that is of use, with images made ready.

import type { Client } from "@connectrpc/connect";
import { errorInList, errorOf, SiameseError } from "./errors.js";
import type { Image } from "./gen/siamese/v1/image_pb.js";
import type { SiameseService } from "./gen/siamese/v1/service_pb.js";
import { bytesOf, imageOf, type Opener } from "./images.js";
import { infoOf, type Limits } from "./info.js";
import { timeoutOf, type CallOptions, type Settings } from "./options.js";
import { Deadline, retrying } from "./retry.js";
import type { Bounds, Ready } from "./split.js";

/** Bytes of a message beside its items. */
const messageOverhead = 4096;

/** What connect sets on each try of a call. */
export interface Try { timeoutMs?: number; signal?: AbortSignal }

/** What the calls of one client share: its settings, and the server's limits as far as they are known. */
export class Caller {
  readonly service: Client<typeof SiameseService>;
  readonly settings: Settings;
  private readonly open: Opener;
  private limits: Limits | undefined;

  constructor(service: Client<typeof SiameseService>, settings: Settings, open: Opener) {
    this.service = service;
    this.settings = settings;
    this.open = open;
  }

  /** Makes a call, again where that is of use; a field of its error is told as of the whole list. */
  async call<T>(make: (each: Try) => Promise<T>, options: CallOptions, deadline = this.deadline(options), list = "", indexes: number[] = []): Promise<T> {
    const { signal } = options;
    const until = deadline ?? new Deadline(this.settings.timeoutMs, signal);
    try {
      return await retrying((timeoutMs) => make(signal ? { timeoutMs, signal } : { timeoutMs }), this.settings.retry, until);
    } catch (thrown) {
      if (!(thrown instanceof SiameseError)) throw thrown;
      // A call that was within the limits was not: they are others now.
      if (thrown.reason === "TOO_MANY_ITEMS" || thrown.code === "RESOURCE_EXHAUSTED" && !thrown.reason) this.limits = undefined;
      throw list ? errorInList(thrown, list, indexes) : thrown;
    }
  }

  /**
   * The messages that a call answers with, which is made again where that is of use before
   * the first one. Leaving the loop ends the call. Without timeoutMs it has no deadline.
   */
  async *stream<T>(make: (each: Try) => AsyncIterable<T>, options: CallOptions): AsyncGenerator<T, void, undefined> {
    const { signal } = options;
    const abort = new AbortController(); // connect does not end a call whose loop is left
    const stop = () => abort.abort(signal?.reason);
    const until = this.deadline(options) ?? new Deadline(Infinity, signal);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    try {
      const { messages, first } = await retrying(async (timeoutMs) => {
        const each = Number.isFinite(timeoutMs) ? { timeoutMs, signal: abort.signal } : { signal: abort.signal };
        const messages = make(each)[Symbol.asyncIterator]();
        return { messages, first: await messages.next() };
      }, this.settings.retry, until);
      for (let item = first; !item.done; item = await next(messages)) yield item.value;
    } finally {
      signal?.removeEventListener("abort", stop);
      abort.abort();
    }
  }

  /** The deadline of all that a method does; undefined: each call has its own. */
  deadline({ timeoutMs, signal }: CallOptions): Deadline | undefined {
    const own = timeoutOf(timeoutMs);
    return own === undefined ? undefined : new Deadline(own, signal);
  }

  /** Takes limits that the server has told. */
  know(limits: Limits): void { this.limits = limits; }

  /** The server's limits, asked once. */
  async knownLimits(options: CallOptions, deadline: Deadline | undefined): Promise<Limits> {
    if (this.limits) return this.limits;
    const reply = await this.call((each) => this.service.getServerInfo({}, each), options, deadline);
    return this.limits = infoOf(reply).limits;
  }

  /** The message of an image; field is told where it can't be read. */
  async image(input: unknown, field: string): Promise<Image> {
    try {
      return await imageOf(input, this.open);
    } catch (error) {
      throw error instanceof SiameseError ? error.at(field) : error;
    }
  }

  /** The message of an image, with its bytes. */
  async ready(input: unknown, field: string): Promise<Ready<Image>> {
    const message = await this.image(input, field);
    return { message, bytes: bytesOf(message) };
  }
}

async function next<T>(messages: AsyncIterator<T>): Promise<IteratorResult<T>> {
  try {
    return await messages.next();
  } catch (thrown) {
    throw errorOf(thrown);
  }
}

/** What one call takes of items, where its message may have so many bytes. */
export function boundsOf(items: number, bytes: number): Bounds { return { items, bytes: bytes - messageOverhead }; }

/** What a list has at a place. Throws SiameseError where a server does not keep to the contract, and it has nothing. */
export function answered<T>(list: readonly T[], place: number): T {
  const found = list[place];
  if (found !== undefined) return found;
  throw new SiameseError(`received an answer to item ${place} of ${list.length}, expected one for each item that was sent`, { code: "INTERNAL" });
}

/** The result with its error's field as of the whole list. */
export function inList<R extends { error?: SiameseError | undefined }>(result: R, list: string, indexes: number[]): R {
  return result.error ? { ...result, error: errorInList(result.error, list, indexes) } : result;
}
