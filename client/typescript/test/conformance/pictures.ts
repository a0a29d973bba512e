// What a case is run with: a client, and pictures as it takes them.

import type { ImageInput, RawImage, SiameseClient } from "siamese-client/web";
import type { StreamAnswer, StreamingGalleries, StreamOptions } from "siamese-client/node";

/** A picture of a case, see testdata/conformance/README.md. */
export type Picture = string | null | { raw: string; width: number; height: number; format: string }
  | { embedding_of: string; model?: string; keep?: number } | { reference: string };

/** What a case is run with. */
export interface Runner {
  client: SiameseClient & { stream(frames: ImageInput[], options: StreamOptions): AsyncIterable<StreamAnswer>; galleries: StreamingGalleries<never> };
  /** The bytes of a file of testdata/conformance. */
  load: (path: string) => Promise<Uint8Array>;
  /** Why streams are left out, where they are. */
  noStreams?: string;
}

/** The options that are there. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

export async function imagesOf(pictures: Picture[], runner: Runner): Promise<ImageInput[]> {
  const images: ImageInput[] = [];
  for (const picture of pictures) images.push(await imageOf(picture, runner));
  return images;
}

export async function imageOf(picture: Picture, runner: Runner): Promise<ImageInput> {
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
