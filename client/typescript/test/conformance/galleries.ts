// Runs the steps of a case of galleries.

import type { Gallery, NewEntry } from "siamese-client/web";
import { given, imageOf, type Picture, type Runner } from "./pictures.js";
import { embeddingText, numberOf, verdictOf, wordOf } from "./texts.js";

type Filter = Record<string, string>;

/** A step of a case, see testdata/conformance/README.md. */
export interface Step {
  do: keyof typeof steps; gallery?: string; model?: string; keep_pictures?: boolean; keep_thumbnails?: boolean;
  entries?: { id: string; thing?: string; metadata?: Filter; image: Picture }[]; ids?: string[]; things?: string[];
  id?: string; include_picture?: boolean; include_thumbnail?: boolean; include_embedding?: boolean;
  page_size?: number; filter?: Filter; thing?: string; stale_only?: boolean;
  image?: Picture; top_k?: number; min_similarity?: number; threshold?: number; across_things?: boolean;
}

/** Whether a step sends a stream, which browsers can't. */
export function isStreamed(step: Step): boolean { return step.do === "enroll"; }

/** Runs steps on a gallery; one that fails does not end the case. */
export async function runSteps(gallery: string, all: Step[], runner: Runner): Promise<string[]> {
  const results: string[] = [];
  for (const step of all) {
    try {
      results.push(...await steps[step.do](step.gallery ?? gallery, step, runner));
    } catch (error) {
      results.push(`error ${wordOf(error)}`);
    }
  }
  return results;
}

type Run = (gallery: string, step: Step, runner: Runner) => Promise<string[]>;

const steps = {
  async create(gallery, { model, keep_pictures: keepPictures, keep_thumbnails: keepThumbnails }, { client }) {
    return [galleryText(await client.galleries.create(gallery, given({ model, keepPictures, keepThumbnails })))];
  },
  async get(gallery, _, { client }) { return [galleryText(await client.galleries.get(gallery))]; },
  async list(_gallery, _, { client }) { return [`galleries ${(await client.galleries.list()).map(({ name }) => name).join(",")}`]; },
  async delete(gallery, _, { client }) { return [`deleted ${await client.galleries.delete(gallery)}`]; },
  async enroll(gallery, step, runner) {
    const { added, replaced, unchanged, failed, failures } = await runner.client.galleries.enrollStream(gallery, await entriesOf(step, runner));
    return [`added ${added} replaced ${replaced} unchanged ${unchanged} failed ${failed}`, ...failures.map(({ index, id, error }) => `${index} ${id} ${wordOf(error)}`)];
  },
  async enroll_batch(gallery, step, runner) {
    const { results } = await runner.client.galleries.enroll(gallery, await entriesOf(step, runner));
    return results.map((result) => result.error ? wordOf(result.error) : result.status);
  },
  async remove(gallery, { ids, things }, { client }) { return [`removed ${await client.galleries.remove(gallery, given({ ids, things }))}`]; },
  async entry(gallery, step, { client }) {
    const { include_picture: includePicture, include_thumbnail: includeThumbnail, include_embedding: includeEmbedding } = step;
    const entry = await client.galleries.entry(gallery, step.id ?? "", given({ includePicture, includeThumbnail, includeEmbedding }));
    const metadata = Object.entries(entry.metadata).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => `${key}=${value}`).join(",");
    return [
      `${entry.id} ${entry.thing} ${metadata} ${entry.pictureSha256} ${entry.modelDigest}`,
      `picture ${entry.picture?.length ?? 0} thumbnail ${entry.thumbnail?.length ?? 0}`,
      ...entry.embedding ? [await embeddingText(Float32Array.from(entry.embedding.values))] : [],
    ];
  },
  async entries(gallery, { page_size: pageSize, filter, thing, stale_only: staleOnly }, { client }) {
    const ids: string[] = [];
    for await (const { id } of client.galleries.entries(gallery, given({ pageSize, filter, thing, staleOnly }))) ids.push(id);
    return [`entries ${ids.join(",")}`];
  },
  async identify(gallery, step, runner) {
    const { top_k: topK, min_similarity: minSimilarity, filter, threshold } = step;
    const image = await imageOf(step.image ?? null, runner);
    const { matches, searchedEntries } = await runner.client.galleries.identify(gallery, image, given({ topK, minSimilarity, filter, threshold }));
    return [...matches.map((match) => `${match.thing} ${match.entry.id} ${numberOf(match.similarity)} ${verdictOf(match)}`), `searched ${searchedEntries}`];
  },
  async duplicates(gallery, { threshold, filter, across_things: acrossThings }, { client }) {
    const groups = client.galleries.duplicates(gallery, given({ threshold, filter, acrossThings }));
    const results: string[] = [];
    for (;;) {
      const { done, value } = await groups.next();
      if (done) return [...results, `looked at ${value.entries}`];
      results.push(value.map(({ entry, similarity }) => `${entry.id}=${numberOf(similarity)}`).join(","));
    }
  },
  async reindex(gallery, { model }, { client }) {
    let told = "no progress";
    for await (const { encoded, missing, entries } of client.galleries.reindex(gallery, given({ model }))) told = `encoded ${encoded} missing ${missing} of ${entries}`;
    return [told];
  },
} satisfies Record<string, Run>;

async function entriesOf(step: Step, runner: Runner): Promise<NewEntry[]> {
  const entries: NewEntry[] = [];
  for (const { image, ...rest } of step.entries ?? []) entries.push({ ...rest, image: await imageOf(image, runner) });
  return entries;
}

/** A gallery without what differs from run to run. */
function galleryText(gallery: Gallery): string {
  const { name, model, entries, staleEntries, keepPictures, keepThumbnails } = gallery;
  return `${name} ${model} ${entries} ${staleEntries} pictures=${keepPictures} thumbnails=${keepThumbnails}`;
}
