// What calls return, made from the contract's messages.

import type { Duration } from "@bufbuild/protobuf/wkt";
import { itemErrorOf, type SiameseError } from "./errors.js";
import type { Embedding } from "./images.js";
import type * as common from "./gen/siamese/v1/common_pb.js";
import type { CompareResponse, PairResult as PairMessage, PairScore as ScoreMessage } from "./gen/siamese/v1/compare_pb.js";
import type { EmbedResult as EmbedMessage } from "./gen/siamese/v1/embed_pb.js";
import type { RankedCandidate } from "./gen/siamese/v1/rank_pb.js";

/** The model that answered. */
export interface ModelReference {
  /** Such as "siamese-omniglot". */
  name: string;
  /** The name of the folder that it was loaded from. */
  version: string;
  /** Lower-case hexadecimal SHA-256 of its weights: two models with the same digest give the same embeddings. */
  digest: string;
}

/** How like the pictures that a model knows an image is to it. */
export interface Familiarity {
  /** The share, 0 to 1, of pictures such as those the model was made for that are less familiar to it. */
  value: number;
  /** Whether value is below the model's bound: similarities of this image mean little then. */
  foreign: boolean;
}

/** Where a call's time went in the server, in milliseconds. Stages overlap, so they need not add up to the total. */
export interface Timings {
  decodeMs: number;
  queueMs: number;
  encodeMs: number;
  compareMs: number;
  totalMs: number;
}

/** How alike two images are. */
export interface Score {
  /** 0 to 1, where 1 means the same class. */
  similarity: number;
  /** The verdict: similarity >= threshold. */
  same: boolean;
  model: ModelReference;
  /** How familiar the images are to the model; undefined where it does not tell. */
  familiarityA: Familiarity | undefined;
  familiarityB: Familiarity | undefined;
  /** A sentence for people where the similarity means little; empty otherwise. */
  warning: string;
  /** The pictures as the network saw them, PNG files; undefined unless asked for. */
  preparedA: Uint8Array | undefined;
  preparedB: Uint8Array | undefined;
}

/** What compare returns. */
export interface Comparison extends Score {
  /** The threshold, 0 to 1, that the verdict was made with. */
  threshold: number;
  timings: Timings;
}

/** An item of a list without a result, and why. */
export interface Failure { error: SiameseError }

/** What became of a pair of a batch: where error is undefined it has a score. */
export type PairResult = Score & { error?: undefined } | Failure;

/** What batch returns. */
export interface Batch {
  /** One result for each pair, in their order. */
  results: PairResult[];
  /** The threshold of the verdicts; undefined where no pair could be sent. Of a pair that another model answered see Score.model. */
  threshold: number | undefined;
  /** The model that answered, see Score.model; undefined where no pair could be sent. */
  model: ModelReference | undefined;
  /** How many images the encoder ran: the distinct ones of each call that were neither cached nor in flight. */
  encodedImages: number;
  /** Summed over the calls that it took. */
  timings: Timings;
}

/** A candidate with its score. */
export interface Match {
  /** Its place in the list of candidates, from 0. */
  index: number;
  /** 0 to 1, where 1 means the same class. */
  similarity: number;
  same: boolean;
  model: ModelReference;
  familiarity: Familiarity | undefined;
  warning: string;
  /** The candidate as the network saw it, a PNG file; undefined unless asked for. */
  prepared: Uint8Array | undefined;
}

/** What rank returns. */
export interface Ranking {
  /** Best first; equal ones in the order of the candidates. */
  matches: Match[];
  /** The candidates without a score, by their index, in its order. */
  failed: Map<number, SiameseError>;
  /** As of Batch. */
  threshold: number | undefined;
  model: ModelReference | undefined;
  /** How familiar the query is to the model. */
  familiarity: Familiarity | undefined;
  /** A sentence for people where the query is foreign to the model; empty otherwise. */
  warning: string;
  /** The query as the network saw it, a PNG file; undefined unless asked for. */
  preparedQuery: Uint8Array | undefined;
  encodedImages: number;
  timings: Timings;
}

/** An image's embedding. */
export interface Embedded {
  embedding: Embedding;
  familiarity: Familiarity | undefined;
  warning: string;
  /** The image as the network saw it, a PNG file; undefined unless asked for. */
  prepared: Uint8Array | undefined;
}

/** What became of an image of embed: where error is undefined it has an embedding. */
export type EmbedResult = Embedded & { error?: undefined } | Failure;

/** What embed returns. */
export interface Embeddings {
  /** One result for each image, in their order. */
  results: EmbedResult[];
  /** The model that made the first; each embedding names its own by modelDigest. Undefined where no image could be sent. */
  model: ModelReference | undefined;
  encodedImages: number;
  timings: Timings;
}

export function modelOf(reference: common.ModelReference | undefined): ModelReference {
  return { name: reference?.name ?? "", version: reference?.version ?? "", digest: reference?.digest ?? "" };
}

export function familiarityOf(familiarity: common.Familiarity | undefined): Familiarity | undefined {
  return familiarity && { value: familiarity.value, foreign: familiarity.foreign };
}

/** The time of no call at all. */
export function noTime(): Timings { return { decodeMs: 0, queueMs: 0, encodeMs: 0, compareMs: 0, totalMs: 0 }; }

export function timingsOf(timings: common.Timings | undefined): Timings {
  const { decode, queue, encode, compare, total } = timings ?? {};
  return {
    decodeMs: millisecondsOf(decode), queueMs: millisecondsOf(queue), encodeMs: millisecondsOf(encode),
    compareMs: millisecondsOf(compare), totalMs: millisecondsOf(total),
  };
}

/** protobuf-es's own durationMs rounds to whole ones. */
function millisecondsOf(time: Duration | undefined): number {
  return time ? Number(time.seconds) * 1000 + time.nanos / 1e6 : 0;
}

/** Adds the time of one more call. */
export function addTime(sum: Timings, timings: common.Timings | undefined): void {
  const more = timingsOf(timings);
  for (const stage of Object.keys(sum) as (keyof Timings)[]) sum[stage] += more[stage];
}

/** A PNG file's bytes, or undefined where there are none. */
export function pictureOf(png: Uint8Array): Uint8Array | undefined { return png.length > 0 ? png : undefined; }

export function comparisonOf(reply: CompareResponse): Comparison {
  return {
    ...scoreOf(reply, reply.model), threshold: reply.threshold, timings: timingsOf(reply.timings),
  };
}

/** A score; whole is the model of the reply that it is in, where the score names no other. */
export function scoreOf(score: CompareResponse | ScoreMessage, whole: common.ModelReference | undefined): Score {
  const { similarity, same, warning } = score;
  return {
    similarity, same, warning, model: modelOf(score.model ?? whole),
    familiarityA: familiarityOf(score.familiarityA), familiarityB: familiarityOf(score.familiarityB),
    preparedA: pictureOf(score.preparedAPng), preparedB: pictureOf(score.preparedBPng),
  };
}

export function pairResultOf({ outcome }: PairMessage, whole: common.ModelReference | undefined): PairResult {
  return outcome.case === "score" ? scoreOf(outcome.value, whole) : { error: itemErrorOf(outcome.value) };
}

/** A match; index is its place in the whole list. */
export function matchOf(ranked: RankedCandidate, index: number, whole: common.ModelReference | undefined): Match {
  const { similarity, same, warning } = ranked;
  return {
    index, similarity, same, warning, model: modelOf(ranked.model ?? whole),
    familiarity: familiarityOf(ranked.familiarity), prepared: pictureOf(ranked.preparedPng),
  };
}

export function embedResultOf({ outcome, familiarity, warning, preparedPng }: EmbedMessage): EmbedResult {
  if (outcome.case !== "embedding") return { error: itemErrorOf(outcome.value) };
  const { values, modelDigest } = outcome.value;
  return {
    embedding: { values: Float32Array.from(values), modelDigest },
    familiarity: familiarityOf(familiarity), warning, prepared: pictureOf(preparedPng),
  };
}
