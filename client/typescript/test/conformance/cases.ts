// Runs the cases of testdata/conformance by a client, in Node and in browsers alike.

import type { EmbedResult, ImageInput, Match, PairResult } from "siamese-client/web";
import type { StreamAnswer } from "siamese-client/node";
import { isStreamed, runSteps, type Step } from "./galleries.js";
import { given, imageOf, imagesOf, type Picture, type Runner } from "./pictures.js";
import { embeddingText, numberOf, verdictOf, wordOf } from "./texts.js";

/** A case. */
export interface Case {
  case: string; call: "compare" | "batch" | "rank" | "embed" | "stream" | "info" | "gallery";
  model?: string; threshold?: number; include_prepared?: boolean; test_time_views?: number; top_k?: number; min_similarity?: number;
  a?: Picture; b?: Picture; pairs?: [Picture, Picture][]; query?: Picture; candidates?: Picture[]; images?: Picture[];
  references?: Record<string, Picture>; frames?: Picture[]; gallery?: string; steps?: Step[];
}

/** What became of a case. */
export interface Line { case: string; results?: string[]; error?: string; unsupported?: string }

/** Runs a case; what goes wrong is part of the line. */
export async function run(one: Case, runner: Runner): Promise<Line> {
  if ((one.call === "stream" || one.steps?.some(isStreamed)) && runner.noStreams) return { case: one.case, unsupported: runner.noStreams };
  try {
    return { case: one.case, results: await calls[one.call](one, runner) };
  } catch (error) {
    return { case: one.case, error: wordOf(error) };
  }
}

type Call = (one: Case, runner: Runner) => Promise<string[]>;

const calls: Record<Case["call"], Call> = {
  async compare(one, runner) {
    const { a = null, b = null } = one;
    const score = await runner.client.compare(await imageOf(a, runner), await imageOf(b, runner), wishesOf(one));
    return [scoreOf(score)];
  },
  async batch(one, runner) {
    const pairs: [ImageInput, ImageInput][] = [];
    for (const [a, b] of one.pairs ?? []) pairs.push([await imageOf(a, runner), await imageOf(b, runner)]);
    return (await runner.client.batch(pairs, wishesOf(one))).results.map(scoreOf);
  },
  async rank(one, runner) {
    const options = { ...wishesOf(one), ...given({ topK: one.top_k, minSimilarity: one.min_similarity }) };
    const query = await imageOf(one.query ?? null, runner);
    const { matches, failed } = await runner.client.rank(query, await imagesOf(one.candidates ?? [], runner), options);
    return [...matches.map(matchOf), ...[...failed].map(([index, error]) => `${index} ${wordOf(error)}`)];
  },
  async embed(one, runner) {
    const { results } = await runner.client.embed(await imagesOf(one.images ?? [], runner), given({ model: one.model }));
    return Promise.all(results.map((result: EmbedResult) => result.error ? wordOf(result.error) : embeddingText(result.embedding.values)));
  },
  async stream(one, runner) {
    const names = Object.keys(one.references ?? {}).sort();
    const references = new Map<string, ImageInput>();
    for (const name of names) references.set(name, await imageOf(one.references?.[name] ?? null, runner));
    const frames = await imagesOf(one.frames ?? [], runner);
    const lines: string[] = [];
    for await (const answer of runner.client.stream(frames, { ...wishesOf(one), references, window: 1 })) lines.push(...answerOf(answer));
    return lines;
  },
  async info(one, runner) {
    const { model, models } = await runner.client.info(given({ model: one.model }));
    return [`${model.name} ${model.digest} ${model.embeddingLength}`, ...models.map(({ name }) => name)];
  },
  gallery({ gallery = "", steps = [] }, runner) { return runSteps(gallery, steps, runner); },
};

function wishesOf({ model, threshold, include_prepared: includePrepared, test_time_views: testTimeViews }: Case) {
  return given({ model, threshold, includePrepared, testTimeViews });
}

function scoreOf(result: PairResult): string {
  if (result.error) return wordOf(result.error);
  const { similarity, same, preparedA, preparedB } = result;
  return `${numberOf(similarity)} ${verdictOf({ same })}${preparedA && preparedB ? " prepared" : ""}`;
}

function matchOf({ index, similarity, same }: Match): string { return `${index} ${numberOf(similarity)} ${verdictOf({ same })}`; }

function answerOf(answer: StreamAnswer): string[] {
  switch (answer.kind) {
    case "referenceSet": return [`${answer.name} ok`];
    case "frame": return [[...answer.scores].sort((a, b) => a.reference < b.reference ? -1 : 1).map(({ reference, similarity }) => `${reference}=${numberOf(similarity)}`).join(" ")];
    case "failed": return [`${answer.reference === undefined ? "" : `${answer.reference} `}${wordOf(answer.error)}`];
    default: return [];
  }
}
