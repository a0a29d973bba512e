// Runs the cases of testdata/conformance by a client, in Node and in browsers alike.

import type { EmbedResult, ImageInput, Match, PairResult, RawImage, SiameseClient, SiameseError } from "siamese-client/web";
import type { StreamAnswer, StreamOptions } from "siamese-client/node";

/** A picture of a case, see testdata/conformance/README.md. */
export type Picture = string | null | { raw: string; width: number; height: number; format: string }
  | { embedding_of: string; model?: string; keep?: number } | { reference: string };

/** A case. */
export interface Case {
  case: string; call: "compare" | "batch" | "rank" | "embed" | "stream" | "info";
  model?: string; threshold?: number; include_prepared?: boolean; top_k?: number; min_similarity?: number;
  a?: Picture; b?: Picture; pairs?: [Picture, Picture][]; query?: Picture; candidates?: Picture[]; images?: Picture[];
  references?: Record<string, Picture>; frames?: Picture[];
}

/** What became of a case. */
export interface Line { case: string; results?: string[]; error?: string; unsupported?: string }

/** What a case is run with. */
export interface Runner {
  client: SiameseClient & { stream(frames: ImageInput[], options: StreamOptions): AsyncIterable<StreamAnswer> };
  /** The bytes of a file of testdata/conformance. */
  load: (path: string) => Promise<Uint8Array>;
  /** Why streams are left out, where they are. */
  noStreams?: string;
}

/** Runs a case; what goes wrong is part of the line. */
export async function run(one: Case, runner: Runner): Promise<Line> {
  if (one.call === "stream" && runner.noStreams) return { case: one.case, unsupported: runner.noStreams };
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
    return Promise.all(results.map(embeddingOf));
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
};

function wishesOf({ model, threshold, include_prepared: includePrepared }: Case) { return given({ model, threshold, includePrepared }); }

/** The options that are there. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

async function imagesOf(pictures: Picture[], runner: Runner): Promise<ImageInput[]> {
  const images: ImageInput[] = [];
  for (const picture of pictures) images.push(await imageOf(picture, runner));
  return images;
}

async function imageOf(picture: Picture, runner: Runner): Promise<ImageInput> {
  if (typeof picture === "string") return runner.load(picture);
  if (picture === null || "reference" in picture) return picture as never; // the types allow neither
  if ("raw" in picture) {
    const { width, height, format } = picture;
    return { width, height, format: format.toLowerCase() as RawImage["format"], data: await runner.load(picture.raw) };
  }
  const { results: [result] } = await runner.client.embed([await runner.load(picture.embedding_of)], given({ model: picture.model }));
  if (!result || result.error) throw result?.error ?? new Error("no result");
  const { values, modelDigest } = result.embedding;
  return { values: values.slice(0, picture.keep), modelDigest };
}

function scoreOf(result: PairResult): string {
  if (result.error) return wordOf(result.error);
  const { similarity, same, preparedA, preparedB } = result;
  return `${numberOf(similarity)} ${same ? "same" : "different"}${preparedA && preparedB ? " prepared" : ""}`;
}

function matchOf({ index, similarity, same }: Match): string { return `${index} ${numberOf(similarity)} ${same ? "same" : "different"}`; }

async function embeddingOf(result: EmbedResult): Promise<string> {
  if (result.error) return wordOf(result.error);
  const { values } = result.embedding;
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, index) => bytes.setFloat32(4 * index, value, true));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `${values.length} ${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function answerOf(answer: StreamAnswer): string[] {
  switch (answer.kind) {
    case "referenceSet": return [`${answer.name} ok`];
    case "frame": return [[...answer.scores].sort((a, b) => a.reference < b.reference ? -1 : 1).map(({ reference, similarity }) => `${reference}=${numberOf(similarity)}`).join(" ")];
    case "failed": return [`${answer.reference === undefined ? "" : `${answer.reference} `}${wordOf(answer.error)}`];
    default: return [];
  }
}

/** CODE/REASON/FIELD of a SiameseError, which the module of another entry may have made. */
function wordOf(error: unknown): string {
  if (!(error instanceof Error) || error.name !== "SiameseError") return `not a SiameseError: ${String(error)}`;
  const { code, reason, field } = error as SiameseError;
  return `${code}/${reason}/${field}`;
}

/** As C's %.9g. */
function numberOf(value: number): string {
  const [digits = "", exponent] = value.toPrecision(9).split("e");
  const short = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  const power = Math.floor(Math.log10(Math.abs(value)));
  if (exponent === undefined && (value === 0 || power >= -4)) return short;
  const [mantissa = "", ten = ""] = value.toExponential(8).split("e");
  return `${mantissa.replace(/\.?0+$/, "")}e${ten.replace(/^([+-])(\d)$/, "$10$2")}`;
}
