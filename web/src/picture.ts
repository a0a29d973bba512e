// Pictures that the person gave.

import { megabytes, type Bounds } from "./server";
import { pixels, shrink, type Size } from "./shrink";

/** How files of the formats that servers read begin. */
const beginnings = [
  /^\xff\xd8/, /^\x89PNG/, /^GIF8/, /^B[MA]/, /^RIFF[^]{4}WEBP/,
  /^(II[*+]\0|MM\0[*+])/, // TIFF and BigTIFF
  /^[^]{4}ftyp(hei|hev|mif|msf|avi)/, // HEIF: HEIC and AVIF
];

/** A file as it was given, with the name to show: in a folder, the path from there. */
export interface Named { name: string; file: Blob }

/**
 * A picture file that the server takes: as it was given, or shrunk, which note then
 * says. Its url lives as long as the page; shown tells whether the browser can show it.
 */
export interface Picture { name: string; file: Blob; url: string; shown: boolean; note: string }

/** Refuses at a glance what is no picture. Throws an Error in words. */
export async function glance({ name, file }: Named, bounds: Bounds): Promise<void> {
  if (file.size === 0) throw new Error(`${name} is empty.`);
  const beginning = String.fromCharCode(...await bytesOf(file.slice(0, 12)));
  if (beginnings.some((pattern) => pattern.test(beginning))) return;
  const formats = bounds.formats.length > 0 ? ` (${bounds.formats.join(", ")})` : "";
  throw new Error(`${name} is no picture that the server can read${formats}.`);
}

/** Checks a file against the server's limits, and shrinks it where it is beyond them. Throws an Error in words. */
export async function pictureFrom(given: Named, bounds: Bounds): Promise<Picture> {
  await glance(given, bounds);
  const { name, file } = given;
  const url = URL.createObjectURL(file);
  try {
    const size = await sizeOf(url);
    if (size) checkShape(name, size, bounds);
    if (file.size <= bounds.imageBytes && (!size || pixels(size) <= bounds.imagePixels)) return { name, file, url, shown: size !== undefined, note: "" };
    if (!size) throw new Error(`${name} is too large: it has ${megabytes(file.size)}, the server takes ${megabytes(bounds.imageBytes)}, and this browser can't read its format to shrink it.`);
    const small = await shrink(file, size, bounds);
    const note = `Shrunk for the server: ${measures(size, file)} to ${measures(small.size, small.file)}.`;
    URL.revokeObjectURL(url);
    return { name, file: small.file, url: URL.createObjectURL(small.file), shown: true, note };
  } catch (error) {
    URL.revokeObjectURL(url);
    throw error instanceof Error && error.message.startsWith(name) ? error : new Error(`${name} is too large for the server, and this browser can't shrink it: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function measures(size: Size, file: Blob): string { return `${size.width} × ${size.height} pixels, ${megabytes(file.size)}`; }

/** Width and height, upright, where the browser can tell them. Decodes no pixels. */
async function sizeOf(url: string): Promise<Size | undefined> {
  const image = new Image();
  const loaded = new Promise<boolean>((resolve) => { image.onload = () => resolve(true); image.onerror = () => resolve(false); });
  image.src = url;
  if (!await loaded || image.naturalWidth * image.naturalHeight === 0) return undefined;
  return { width: image.naturalWidth, height: image.naturalHeight };
}

function checkShape(name: string, { width, height }: Size, bounds: Bounds): void {
  if (Math.max(width, height) > bounds.sideRatio * Math.min(width, height)) {
    throw new Error(`${name} is too long and narrow: ${width} × ${height} pixels, the server takes 1 to ${bounds.sideRatio} at most.`);
  }
}

/** A file's bytes. */
export async function bytesOf(file: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Error(`${file instanceof File ? file.name : "The file"} can't be read.`);
  }
}
