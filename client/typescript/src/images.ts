// What a caller can give as an image, and the contract's message of it.

import { create } from "@bufbuild/protobuf";
import { SiameseError } from "./errors.js";
import { ImageSchema, PixelFormat, type Image } from "./gen/siamese/v1/image_pb.js";

/** Pixels that need no decoding, row by row from the top left, without padding. */
export interface RawImage {
  /** Columns and rows, at least 2 each. */
  width: number;
  height: number;
  /** "rgb8" has three bytes a pixel, red, green, blue; "gray8" one, 0 black to 255 white. */
  format: "rgb8" | "gray8";
  data: Uint8Array;
}

/** What ImageData looks like, a browser's or another library's: four bytes a pixel, red, green, blue, opacity. */
export interface RgbaImage {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** What a model's encoder makes of an image: embed returns it, and it stands for the image in other calls. */
export interface Embedding {
  /** ModelInfo.embeddingLength numbers, most of them 0. */
  values: Float32Array;
  /** ModelReference.digest of the model that made it. A server with another model refuses it: MODEL_MISMATCH. */
  modelDigest: string;
}

/**
 * An image, wherever the program runs: the bytes of a JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP,
 * TIFF or PNM file (a Buffer is a Uint8Array, a File is a Blob), pixels, or an embedding.
 */
export type ImageInput = Uint8Array | ArrayBuffer | Blob | RawImage | RgbaImage | Embedding;

/** Reads a kind of image that only one platform has; undefined where the input is none of it. */
export type Opener = (input: unknown) => Promise<ImageInput> | undefined;

/** A reason of the client's own: an image that gave no bytes. */
const unreadable = "IMAGE_UNREADABLE";

/**
 * The message of an image. null and undefined are an image with nothing set, which the server
 * refuses by its name. Throws SiameseError, IMAGE_UNREADABLE, where its bytes can't be had,
 * and TypeError where it is no image at all.
 */
export async function imageOf(input: unknown, open: Opener): Promise<Image> {
  if (input === null || input === undefined) return create(ImageSchema);
  const opening = open(input); // what it throws at once is about the argument
  try {
    const opened = await opening ?? input;
    input = opened instanceof Blob ? new Uint8Array(await opened.arrayBuffer()) : opened;
  } catch (error) {
    throw unreadableBy(error);
  }
  return messageOf(input);
}

function unreadableBy(error: unknown): SiameseError {
  const words = error instanceof Error ? error.message : String(error);
  return new SiameseError(`the image can't be read: ${words}`, { code: "INVALID_ARGUMENT", reason: unreadable, cause: error });
}

function messageOf(input: unknown): Image {
  if (input instanceof Uint8Array) return encoded(input);
  if (input instanceof ArrayBuffer) return encoded(new Uint8Array(input));
  if (isEmbedding(input)) {
    const { values, modelDigest } = input;
    return create(ImageSchema, { source: { case: "embedding", value: { values: Array.from(values), modelDigest } } });
  }
  if (isReference(input)) return create(ImageSchema, { source: { case: "reference", value: input.reference } });
  if (isPixels(input)) {
    const { width, height, data } = input;
    checkSide("width", width);
    checkSide("height", height);
    if (data instanceof Uint8ClampedArray) return raw(width, height, PixelFormat.RGB8, onWhite(data));
    return raw(width, height, formats[(input as RawImage).format] ?? PixelFormat.UNSPECIFIED, data);
  }
  throw new TypeError(`received ${nameOf(input)} as an image, expected a file's bytes, a Blob, pixels or an embedding`);
}

const formats: Record<string, PixelFormat | undefined> = { rgb8: PixelFormat.RGB8, gray8: PixelFormat.GRAY8 };

function encoded(value: Uint8Array): Image { return create(ImageSchema, { source: { case: "encoded", value: plain(value) } }); }

function raw(width: number, height: number, format: PixelFormat, data: Uint8Array): Image {
  return create(ImageSchema, { source: { case: "raw", value: { width, height, format, data: plain(data) } } });
}

/** The message's type wants bytes that no other thread shares. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? bytes as Uint8Array<ArrayBuffer> : new Uint8Array(bytes);
}

function isEmbedding(input: unknown): input is Embedding {
  return typeof input === "object" && input !== null && "modelDigest" in input && "values" in input;
}

/** An image that a stream has by a name; other calls refuse it. */
function isReference(input: unknown): input is { reference: string } {
  return typeof input === "object" && input !== null && "reference" in input && typeof input.reference === "string";
}

function isPixels(input: unknown): input is RawImage | RgbaImage {
  if (typeof input !== "object" || input === null || !("width" in input && "height" in input && "data" in input)) return false;
  return input.data instanceof Uint8Array || input.data instanceof Uint8ClampedArray;
}

function checkSide(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return;
  throw new TypeError(`received pixels of ${name} ${value}, expected a whole number`);
}

/** Red, green and blue of pixels with opacity, put on white as the server does with files. */
function onWhite(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array(Math.floor(rgba.length / 4) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    const opacity = (rgba[from + 3] ?? 0) / 255;
    for (let channel = 0; channel < 3; channel++) {
      rgb[to++] = Math.round((rgba[from + channel] ?? 0) * opacity + 255 * (1 - opacity));
    }
  }
  return rgb;
}

function nameOf(input: unknown): string {
  if (typeof input === "string") return "a text";
  return typeof input === "object" ? `an object (${input?.constructor?.name ?? "null"})` : `a ${typeof input}`;
}

/** Bytes of a message beside its images' own: tags, lengths, a reference's name or a digest. */
const perImage = 512;

/** How many bytes of a message an image takes at most. */
export function bytesOf({ source }: Image): number {
  switch (source.case) {
    case "encoded": return source.value.length + perImage;
    case "raw": return source.value.data.length + perImage;
    case "embedding": return 4 * source.value.values.length + perImage;
    default: return perImage;
  }
}
