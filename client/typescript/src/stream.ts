// StreamCompare as an iterable of answers to an iterable of frames.

import type { Client } from "@connectrpc/connect";
import { errorOf, SiameseError } from "./errors.js";
import type { Image } from "./gen/siamese/v1/image_pb.js";
import type { SiameseService } from "./gen/siamese/v1/service_pb.js";
import type { StreamCompareRequest, StreamCompareResponse } from "./gen/siamese/v1/stream_pb.js";
import type { ModelReference } from "./results.js";
import { pauseAfter, realClock, type RetryPolicy } from "./retry.js";
import { Source } from "./source.js";
import { aboutOf, answerOf, messageOf, openingOf, referenceOf, unexpected, type ImageMaker } from "./stream_messages.js";
import type { StreamAnswer, StreamItem, StreamOptions } from "./stream_types.js";

export type * from "./stream_types.js";

/** Answers that may be owed where the server drops frames: no more are sent before some are taken. */
const mostOwed = 4096;

/** What streams of one caller share. */
interface Wishes<Extra> {
  service: Client<typeof SiameseService>;
  options: StreamOptions<Extra>;
  image: ImageMaker<Extra>;
}

/** Scores frames on one stream after another, as NodeClient.stream says. */
export async function* streamOf<Extra>(
  service: Client<typeof SiameseService>, frames: AsyncIterable<StreamItem<Extra>> | Iterable<StreamItem<Extra>>,
  options: StreamOptions<Extra>, retry: RetryPolicy, image: ImageMaker<Extra>,
): AsyncGenerator<StreamAnswer, void, undefined> {
  const source = new Source(frames);
  let session = new Session({ service, options, image }, source);
  try {
    for (let tries = 1; ; tries++) {
      try {
        yield* session.answers();
        if (!session.drained || source.isDone || options.reconnect === false) return;
        tries = 0;
      } catch (error) {
        const pause = session.isReopened && !session.isOpen ? pauseAfter(errorOf(error), tries, retry, realClock) : undefined;
        if (pause === undefined || tries >= retry.attempts) throw error;
        await realClock.sleep(pause, options.signal);
      }
      session = session.again();
    }
  } finally {
    await source.close();
  }
}

/** A message that is to be answered: by the server, or by answer where it could not be sent. */
interface Owed {
  answer?: StreamAnswer;
  /** A frame or pair, which the window counts. */
  isFrame?: boolean;
  /** The reference that its success sets, or with no image drops. */
  reference?: { name: string; image?: Image };
  /** Whether nobody is told of its success. */
  isQuiet?: boolean;
}

/** One StreamCompare. */
class Session<Extra> {
  /** Whether the server is about to end it. */
  drained = false;
  isOpen = false;
  isReopened = false;
  private readonly wishes: Wishes<Extra>;
  private readonly source: Source<StreamItem<Extra>>;
  private readonly abort = new AbortController();
  private readonly references = new Map<string, Image>();
  private owed: Owed[] = [{}]; // the opening
  private frames = 0;
  private window = 0;
  private model: ModelReference | undefined;
  private failure: { error: unknown } | undefined;
  private changed = signalled();

  constructor(wishes: Wishes<Extra>, source: Source<StreamItem<Extra>>) {
    this.wishes = wishes;
    this.source = source;
  }

  /** Another session, which goes on where this one ended. */
  again(): Session<Extra> {
    const next = new Session(this.wishes, this.source);
    next.isReopened = true;
    next.frames = this.frames;
    for (const [name, image] of this.references) next.references.set(name, image);
    return next;
  }

  /** The answers, in the order of what was sent, until the server ends the stream. */
  async *answers(): AsyncGenerator<StreamAnswer, void, undefined> {
    const { service, options: { signal } } = this.wishes;
    const stop = () => this.abort.abort(signal?.reason);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    try {
      const responses = service.streamCompare(this.requests(), { signal: this.abort.signal })[Symbol.asyncIterator]();
      yield* this.merged(responses);
    } catch (thrown) {
      if (this.failure) throw this.failure.error;
      const error = errorOf(thrown);
      // All was answered: it is the end that Draining told of.
      if (!(this.drained && this.owed.length === 0 && error.code === "UNAVAILABLE")) throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
      this.abort.abort();
      this.changed.tell();
    }
  }

  /** The server's answers, with those of items that could not be sent in their places. */
  private async *merged(responses: AsyncIterator<StreamCompareResponse>): AsyncGenerator<StreamAnswer, void, undefined> {
    let next: Promise<IteratorResult<StreamCompareResponse>> | undefined;
    for (;;) {
      for (let answer = this.unsent(); answer; answer = this.unsent()) yield answer;
      next ??= responses.next();
      const came = await Promise.race([next, this.changed.told]);
      if (!came) continue;
      next = undefined;
      if (came.done) break;
      for (const answer of this.take(came.value)) yield answer;
    }
    if (this.owed.length > 0 && !this.failure) throw new SiameseError("the server ended the stream and owed answers", { code: "UNAVAILABLE" });
  }

  /** The answer that is next where the server does not give it. */
  private unsent(): StreamAnswer | undefined {
    const answer = this.owed[0]?.answer;
    if (answer) this.settle();
    return answer;
  }

  /** Takes the first off what is owed, which makes room for another frame. */
  private settle(): Owed | undefined {
    const owed = this.owed.shift();
    this.tellChange();
    return owed;
  }

  private tellChange(): void {
    this.changed.tell();
    this.changed = signalled();
  }

  /** What a response tells: of the item that it answers, and those before it that were not sent. */
  private take(response: StreamCompareResponse): StreamAnswer[] {
    const answer = answerOf(response, this.model);
    if (answer.kind === "draining") {
      this.drained = true;
      this.tellChange();
      return [answer];
    }
    const told: StreamAnswer[] = [];
    for (let left = answer.kind === "dropped" ? answer.ids.length : 1; left > 0;) {
      const owed = this.settle();
      if (!owed) throw unexpected(response.message.case);
      if (owed.answer) told.push(owed.answer);
      else if (--left === 0 && !this.isAbout(owed, answer)) told.push(answer);
    }
    return told;
  }

  /** Notes what an answer changes, and reports whether nobody is to be told of it. */
  private isAbout({ reference, isQuiet = false }: Owed, answer: StreamAnswer): boolean {
    if (answer.kind === "opened") {
      this.isOpen = true;
      this.window = answer.window;
      this.model = answer.model;
      this.tellChange();
    }
    if (answer.kind === "referenceSet" && reference?.image) this.references.set(reference.name, this.lasting(reference.image));
    if (answer.kind === "referenceDropped") this.references.delete(answer.name);
    return isQuiet && answer.kind === "referenceSet";
  }

  /** The image itself where it was given as the name of another reference. */
  private lasting(image: Image): Image {
    return image.source.case === "reference" ? this.references.get(image.source.value) ?? image : image;
  }

  /** What is sent. */
  private async *requests(): AsyncGenerator<StreamCompareRequest> {
    try {
      yield openingOf(this.wishes.options);
      while (!this.isOpen && !this.hasEnded) await this.changed.told;
      yield* this.firstReferences();
      for (;;) {
        while (!this.hasRoom && !this.hasEnded && !this.drained) await this.changed.told;
        const item = await this.nextItem();
        if (!item) return;
        const request = await this.requestOf(item.value);
        if (request) yield request;
      }
    } catch (error) {
      this.failure ??= { error };
      this.abort.abort();
      throw error;
    }
  }

  private async *firstReferences(): AsyncGenerator<StreamCompareRequest> {
    if (this.isReopened) {
      for (const [name, image] of this.references) {
        this.owed.push({ reference: { name, image }, isQuiet: true });
        yield referenceOf(name, image);
      }
      return;
    }
    const given = this.wishes.options.references ?? {};
    for (const [setReference, image] of given instanceof Map ? given : Object.entries(given)) {
      const request = await this.requestOf({ setReference, image });
      if (request) yield request;
    }
  }

  private get hasEnded(): boolean { return this.abort.signal.aborted; }

  private get hasRoom(): boolean {
    if (this.wishes.options.dropPolicy === "latest") return this.owed.length < mostOwed;
    return this.owed.filter(({ isFrame, answer }) => isFrame || answer).length < this.window;
  }

  /** The next item, unless the stream ends or drains before it is there: then it is left for another stream. */
  private async nextItem(): Promise<{ value: StreamItem<Extra> } | undefined> {
    const peeked = this.source.peek();
    for (;;) {
      if (this.hasEnded || this.drained) return undefined;
      const item = await Promise.race([peeked, this.changed.told]);
      if (!item || this.drained) continue;
      this.source.take();
      return item.done ? undefined : { value: item.value };
    }
  }

  /** The message of an item, which is owed an answer from here on; undefined where it can't be sent. */
  private async requestOf(item: StreamItem<Extra>): Promise<StreamCompareRequest | undefined> {
    const about = aboutOf(item, this.frames);
    if (about.id !== undefined) this.frames++;
    try {
      const request = await messageOf(item, about, this.wishes.image);
      this.owed.push(owedFor(request));
      return request;
    } catch (error) {
      if (!(error instanceof SiameseError)) throw error;
      this.owed.push({ answer: { kind: "failed", ...about, error } });
      this.tellChange();
      return undefined;
    }
  }
}

function owedFor({ message }: StreamCompareRequest): Owed {
  if (message.case !== "setReference") return { isFrame: message.case === "frame" || message.case === "pair" };
  const { name, image } = message.value;
  return { reference: image ? { name, image } : { name } };
}

/** A promise that is kept by tell. */
function signalled(): { told: Promise<undefined>; tell: () => void } {
  let tell = () => {};
  const told = new Promise<undefined>((resolve) => { tell = () => resolve(undefined); });
  return { told, tell };
}
