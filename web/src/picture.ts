// Pictures that the person gave.

import { megabytes, type Bounds } from "./server";

/** How files of the formats that the server reads begin. */
const beginnings: [format: string, pattern: RegExp][] = [
  ["jpeg", /^\xff\xd8\xff/], ["png", /^\x89PNG/], ["gif", /^GIF8/], ["bmp", /^BM/],
  ["webp", /^RIFF[^]{4}WEBP/], ["tiff", /^(II\*\0|MM\0\*)/],
];

/** A picture file, unchanged. Its url lives as long as the page. */
export interface Picture { name: string; encoded: Uint8Array; url: string; shown: boolean }

/** Reads a file and checks it against the server's limits. Throws an Error in words. */
export async function pictureFrom(file: Blob, name: string, bounds: Bounds): Promise<Picture> {
  if (file.size === 0) throw new Error(`${name} is empty.`);
  if (file.size > bounds.imageBytes) {
    throw new Error(`${name} is too large: it has ${megabytes(file.size)}, the server takes ${megabytes(bounds.imageBytes)}.`);
  }
  const beginning = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  if (!beginnings.some(([, pattern]) => pattern.test(beginning))) {
    throw new Error(`${name} is no picture that the server can read (${beginnings.map(([format]) => format).join(", ")}).`);
  }
  const shown = await checkSize(file, name, bounds);
  return { name, encoded: await bytesOf(file), url: URL.createObjectURL(file), shown };
}

/** Checks width and height where the browser can tell them; false where it can't. */
async function checkSize(file: Blob, name: string, bounds: Bounds): Promise<boolean> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return false;
  const { width, height } = bitmap;
  bitmap.close();
  if (width * height > bounds.imagePixels) {
    throw new Error(`${name} is too large: ${width} × ${height} pixels, the server takes ${bounds.imagePixels / 1e6} megapixels.`);
  }
  if (Math.max(width, height) > bounds.sideRatio * Math.min(width, height)) {
    throw new Error(`${name} is too long and narrow: ${width} × ${height} pixels, the server takes 1 to ${bounds.sideRatio} at most.`);
  }
  return true;
}

/** A file's bytes. */
export async function bytesOf(file: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Error("The file can't be read.");
  }
}
