// The calls that Node and browsers have alike.

import { create } from "@bufbuild/protobuf";
import { createClient, type Client, type Transport } from "@connectrpc/connect";
import { answered, boundsOf, Caller, inList } from "./caller.js";
import { errorInList, itemErrorOf, type SiameseError } from "./errors.js";
import { Galleries } from "./galleries.js";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "./gen/grpc/health/v1/health_pb.js";
import { ImagePairSchema, type ImagePair } from "./gen/siamese/v1/compare_pb.js";
import { GalleryService } from "./gen/siamese/v1/gallery_pb.js";
import { SiameseService } from "./gen/siamese/v1/service_pb.js";
import { bytesOf, type ImageInput, type Opener } from "./images.js";
import { infoOf, type Limits, type ServerInfo } from "./info.js";
import { compareOptionsOf, topKOf, type CallOptions, type CompareOptions, type ModelOptions, type RankOptions, type Settings } from "./options.js";
import {
  addTime, comparisonOf, embedResultOf, familiarityOf, matchOf, modelOf, noTime, pairResultOf, pictureOf,
  type Batch, type Comparison, type Embeddings, type EmbedResult, type Match, type PairResult, type Ranking,
} from "./results.js";
import { partsOf, type Ready } from "./split.js";

/** Whether a server takes calls: grpc.health.v1's states. */
export type HealthStatus = keyof typeof Serving;

/**
 * Talks to one server; calls may run side by side. Extra is what only one platform has as an
 * image: paths in Node, canvases in browsers. Calls throw SiameseError, beside TypeError and
 * RangeError for arguments that are none.
 */
export class SiameseClient<Extra = never> {
  /** The calls of galleries. Where the server keeps none (ServerInfo.galleries) they throw GALLERIES_OFF. */
  readonly galleries: Galleries<Extra>;
  protected readonly caller: Caller;
  private readonly healthService: Client<typeof Health>;

  /** For the entries of Node and browsers, whose connect is what programs call. */
  constructor(transport: Transport, settings: Settings, open: Opener) {
    this.caller = new Caller(createClient(SiameseService, transport), settings, open);
    this.galleries = new Galleries(createClient(GalleryService, transport), this.caller);
    this.healthService = createClient(Health, transport);
  }

  /** Scores two images. An error's field is "image_a" or "image_b" where one of them is at fault. */
  async compare(a: ImageInput | Extra, b: ImageInput | Extra, options: CompareOptions = {}): Promise<Comparison> {
    const deadline = this.caller.deadline(options);
    const [imageA, imageB] = [await this.caller.image(a, "image_a"), await this.caller.image(b, "image_b")];
    const request = { imageA, imageB, options: compareOptionsOf(options) };
    return comparisonOf(await this.caller.call((each) => this.caller.service.compare(request, each), options, deadline));
  }

  /**
   * Scores pairs, however many: a list beyond the server's limits is sent in several calls,
   * one after another. A pair that fails carries its own error, whose field is as of the
   * whole list; the others are answered.
   */
  async batch(pairs: readonly (readonly [ImageInput | Extra, ImageInput | Extra])[], options: CompareOptions = {}): Promise<Batch> {
    const deadline = this.caller.deadline(options);
    const limits = await this.caller.knownLimits(options, deadline);
    const wishes = compareOptionsOf(options);
    const results: PairResult[] = new Array(pairs.length);
    const batch: Batch = { results, threshold: undefined, model: undefined, encodedImages: 0, timings: noTime() };
    const parts = partsOf(pairs, boundsOf(pairsOf(limits, options), limits.maxMessageBytes), (pair, index) => this.pair(pair, `pairs[${index}]`),
      (index, error) => { results[index] = { error }; });
    for await (const { messages, indexes } of parts) {
      const reply = await this.caller.call((each) => this.caller.service.batchCompare({ pairs: messages, options: wishes }, each), options, deadline, "pairs", indexes);
      for (const [place, index] of indexes.entries()) {
        results[index] = inList(pairResultOf(answered(reply.results, place), reply.model), "pairs", indexes);
      }
      batch.threshold ??= reply.threshold;
      batch.model ??= modelOf(reply.model);
      addCall(batch, reply);
    }
    return batch;
  }

  /**
   * Scores a query against candidates, however many: those beyond the server's limits are
   * sent in several calls, whose rankings are merged. A candidate that fails is in
   * Ranking.failed and fails nothing else; a query that fails fails the call.
   */
  async rank(query: ImageInput | Extra, candidates: readonly (ImageInput | Extra)[], options: RankOptions = {}): Promise<Ranking> {
    const deadline = this.caller.deadline(options);
    const topK = topKOf(options);
    const { maxCandidates: items, maxMessageBytes } = await this.caller.knownLimits(options, deadline);
    const image = await this.caller.image(query, "query");
    const rest = { query: image, topK, minSimilarity: options.minSimilarity ?? 0, options: compareOptionsOf(options) };
    const matches: Match[] = [];
    const failed = new Map<number, SiameseError>();
    const ranking: Ranking = {
      matches, failed, threshold: undefined, model: undefined, familiarity: undefined, warning: "", preparedQuery: undefined,
      encodedImages: 0, timings: noTime(),
    };
    const parts = partsOf(candidates, boundsOf(items, maxMessageBytes - bytesOf(image)), (candidate, index) => this.caller.ready(candidate, `candidates[${index}]`),
      (index, error) => { failed.set(index, error); });
    for await (const { messages, indexes } of parts) {
      const reply = await this.caller.call((each) => this.caller.service.rank({ ...rest, candidates: messages }, each), options, deadline, "candidates", indexes);
      for (const ranked of reply.ranked) matches.push(matchOf(ranked, answered(indexes, ranked.index), reply.model));
      for (const { index, error } of reply.errors) {
        failed.set(answered(indexes, index), errorInList(itemErrorOf(error), "candidates", indexes));
      }
      if (!ranking.model) {
        const { threshold, warning } = reply;
        Object.assign(ranking, { threshold, warning, model: modelOf(reply.model), familiarity: familiarityOf(reply.familiarity), preparedQuery: pictureOf(reply.preparedQueryPng) });
      }
      addCall(ranking, reply);
    }
    ranking.matches = best(matches, topK);
    ranking.failed = new Map([...failed].sort(([a], [b]) => a - b));
    return ranking;
  }

  /**
   * Embeds images, however many: lists beyond the server's limits are sent in several calls.
   * An image that fails carries its own error; the others are answered.
   */
  async embed(images: readonly (ImageInput | Extra)[], options: ModelOptions = {}): Promise<Embeddings> {
    const deadline = this.caller.deadline(options);
    const { maxImages: items, maxMessageBytes } = await this.caller.knownLimits(options, deadline);
    const { model = "", includePrepared = false } = options;
    const results: EmbedResult[] = new Array(images.length);
    const embeddings: Embeddings = { results, model: undefined, encodedImages: 0, timings: noTime() };
    const parts = partsOf(images, boundsOf(items, maxMessageBytes), (image, index) => this.caller.ready(image, `images[${index}]`),
      (index, error) => { results[index] = { error }; });
    for await (const { messages, indexes } of parts) {
      const reply = await this.caller.call((each) => this.caller.service.embed({ images: messages, model, includePrepared }, each), options, deadline, "images", indexes);
      for (const [place, index] of indexes.entries()) {
        results[index] = inList(embedResultOf(answered(reply.results, place)), "images", indexes);
      }
      embeddings.model ??= modelOf(reply.model);
      addCall(embeddings, reply);
    }
    return embeddings;
  }

  /** Tells the server's limits and models; model is the one that is asked about, as in ModelOptions. */
  async info(options: CallOptions & Pick<ModelOptions, "model"> = {}): Promise<ServerInfo> {
    const request = { model: options.model ?? "" };
    const info = infoOf(await this.caller.call((each) => this.caller.service.getServerInfo(request, each), options, this.caller.deadline(options)));
    this.caller.know(info.limits);
    return info;
  }

  /** Reports whether the server takes calls; service is "" for all that it has, or a name of gRPC's. */
  async health(options: CallOptions & { service?: string } = {}): Promise<HealthStatus> {
    const { service = "" } = options;
    const reply = await this.caller.call((each) => this.healthService.check({ service }, each), options, this.caller.deadline(options));
    return (Serving[reply.status] ?? "UNKNOWN") as HealthStatus;
  }

  private async pair([a, b]: readonly [ImageInput | Extra, ImageInput | Extra], field: string): Promise<Ready<ImagePair>> {
    const [imageA, imageB] = [await this.caller.image(a, `${field}.image_a`), await this.caller.image(b, `${field}.image_b`)];
    return { message: create(ImagePairSchema, { imageA, imageB }), bytes: bytesOf(imageA) + bytesOf(imageB) };
  }
}

/** How many pairs go in one call: with several views of each picture as many as find room before the encoder. */
function pairsOf({ maxPairs, maxQueuedImages }: Limits, { testTimeViews = 0 }: CompareOptions): number {
  if (testTimeViews <= 1 || maxQueuedImages === 0) return maxPairs;
  return Math.min(maxPairs, Math.max(Math.floor(maxQueuedImages / (2 * testTimeViews)), 1));
}

function addCall(sum: Pick<Batch, "encodedImages" | "timings">, reply: { encodedImages: number; timings?: Parameters<typeof addTime>[1] }): void {
  sum.encodedImages += reply.encodedImages;
  addTime(sum.timings, reply.timings);
}

/** The best first, equal ones in the order of the candidates; all where topK is 0. */
function best(matches: Match[], topK: number): Match[] {
  const ordered = matches.sort((a, b) => b.similarity - a.similarity || a.index - b.index);
  return topK > 0 ? ordered.slice(0, topK) : ordered;
}
