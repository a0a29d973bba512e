// What a caller can ask for.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { CompareOptionsSchema } from "./gen/siamese/v1/common_pb.js";
import { defaultRetry, retryOf, type RetryOptions, type RetryPolicy } from "./retry.js";

/** What a client is made with. */
export interface ClientOptions {
  /** A bearer token, or what gives one for each call. An empty one is not sent. */
  token?: string | (() => string | Promise<string>);
  /**
   * The deadline of a call that sets none, in milliseconds, tries again included; of a list
   * that takes several calls, the deadline of each. Default 60 000. Streams have none.
   */
  timeoutMs?: number;
  /** When a call is tried again; false: never. Default: up to 4 tries. */
  retry?: RetryOptions | false;
}

/** What any call can be given. */
export interface CallOptions {
  /** The deadline of all that the call does, in milliseconds. Default: the client's. */
  timeoutMs?: number;
  /** Ends the call: it fails with CANCELLED. */
  signal?: AbortSignal;
}

/** What a call about images can be given. */
export interface ModelOptions extends CallOptions {
  /**
   * The model that is to answer: "model", "model/version" or "model/label", such as
   * "omniglot", "general/3" or "general/canary". "auto": each pair is answered by the model
   * that knows its images best. Default: the server's default. One that is not served gives
   * MODEL_NOT_FOUND.
   */
  model?: string;
  /** Asks for the pictures as the network saw them, as PNG files. Default false. */
  includePrepared?: boolean;
}

/** What a comparing call can be given. */
export interface CompareOptions extends ModelOptions {
  /** The similarity, 0 to 1, from which the verdict is "same". Default: the model's own. */
  threshold?: number;
  /**
   * How many views of a picture are scored, whose mean is the similarity: the picture itself
   * and small shifts, turns and scales of it, at most maxTestTimeViews of the server's limits.
   * Each is one more encode for the server, of both images of a pair and of a query or frame
   * alone. Default 0: the picture alone, as with 1.
   */
  testTimeViews?: number;
}

/** What rank can be given. */
export interface RankOptions extends CompareOptions {
  /** How many of the best to return. Default 0: all. */
  topK?: number;
  /** Leaves out candidates below this similarity, 0 to 1. Default 0: none is left out. */
  minSimilarity?: number;
}

/** Settings of a client with the defaults put in. */
export interface Settings {
  timeoutMs: number;
  retry: RetryPolicy;
}

const defaultTimeoutMs = 60_000;

/** What a timer takes; a longer one would end at once. */
const longestTimeoutMs = 2 ** 31 - 1;

/** The settings of options. Throws RangeError where one is out of range. */
export function settingsOf(options: ClientOptions): Settings {
  return {
    timeoutMs: timeoutOf(options.timeoutMs) ?? defaultTimeoutMs,
    retry: options.retry === false ? { ...defaultRetry, attempts: 1 } : retryOf(options.retry ?? {}),
  };
}

/** A deadline that a timer takes. Throws RangeError where it is no time. */
export function timeoutOf(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined) return undefined;
  if (!(timeoutMs > 0)) throw new RangeError(`received timeoutMs ${timeoutMs}, expected more than 0 milliseconds`);
  return Math.min(timeoutMs, longestTimeoutMs);
}

/** topK as the message takes it. Throws RangeError where it is no count. */
export function topKOf({ topK }: RankOptions): number { return countOf("topK", topK, "0 for all"); }

/** A count as messages take it; none is 0, whose meaning is told. Throws RangeError where it is none. */
export function countOf(name: string, count = 0, zero = "0 for the server's default"): number {
  if (Number.isInteger(count) && count >= 0 && count < 2 ** 32) return count;
  throw new RangeError(`received ${name} ${count}, expected a whole number, ${zero}`);
}

/** The contract's message of options. */
export function compareOptionsOf({ model = "", includePrepared = false, threshold, testTimeViews }: CompareOptions) {
  const options: MessageInitShape<typeof CompareOptionsSchema> = { model, includePrepared, testTimeViews: countOf("testTimeViews", testTimeViews, "0 for the picture alone") };
  if (threshold !== undefined) options.threshold = threshold;
  return create(CompareOptionsSchema, options);
}

/** Shows a token with each call. Throws TypeError for one that no header can carry. */
export function tokenInterceptor(token: NonNullable<ClientOptions["token"]>): Interceptor {
  if (typeof token === "string") checkToken(token);
  return (next) => async (request) => {
    const shown = typeof token === "string" ? token : await token();
    checkToken(shown);
    if (shown) request.header.set("Authorization", `Bearer ${shown}`);
    return next(request);
  };
}

function checkToken(token: string): void {
  if (/^[!-~]*$/.test(token)) return;
  throw new TypeError("received a token with a space, a line's end or a letter beyond ASCII in it, expected letters, digits and signs");
}
