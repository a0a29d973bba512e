// Making pictures small enough for the server, with what the network sees left as it is.

import { element } from "./element";
import type { Bounds } from "./server";

/** Width and height in pixels. */
export interface Size { width: number; height: number }

/**
 * The sides of a shrunk picture, in pixels: the longer one is this long, but the
 * shorter one no shorter than the other. Both are many times the network's input, so
 * that the server's own resizing decides what the network sees.
 */
const longer = 2048;
const shorter = 1024;
/** JPEG qualities that are tried until the server takes the file. */
const qualities = [0.95, 0.85, 0.7];

/** Width times height. */
export function pixels({ width, height }: Size): number { return width * height; }

/**
 * Shrinks a picture that the browser can read, whose upright size is given, to what the
 * server takes. Transparency is kept. Throws an Error where that can't be done.
 */
export async function shrink(file: Blob, size: Size, bounds: Bounds): Promise<{ file: Blob; size: Size }> {
  const whole = await createImageBitmap(file); // upright, in sRGB
  let target = targetOf(size, bounds);
  const canvas = halved(whole, target);
  whole.close();
  for (; Math.min(target.width, target.height) > 0; target = scaled(target, 1 / 2)) {
    const small = draw(canvas, target);
    for (const [type, quality] of isClear(small) ? [["image/png", 1]] as const : qualities.map((quality) => ["image/jpeg", quality] as const)) {
      const made = await new Promise<Blob | null>((resolve) => small.toBlob(resolve, type, quality));
      if (made && made.size <= bounds.imageBytes) return { file: made, size: target };
    }
  }
  throw new Error("the server takes too few bytes");
}

/** The size to shrink to: as the constants above say, within the server's pixels, never larger. */
function targetOf(size: Size, bounds: Bounds): Size {
  const wanted = Math.max(longer / Math.max(size.width, size.height), shorter / Math.min(size.width, size.height));
  return scaled(size, Math.min(1, wanted, Math.sqrt(bounds.imagePixels / pixels(size)) * 0.999)); // rounding stays within, too
}

function scaled({ width, height }: Size, scale: number): Size {
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** Halves a picture while it has at least twice the size: each pixel is the mean of four, so that no pattern arises. */
function halved(whole: ImageBitmap, target: Size): HTMLCanvasElement {
  let present: HTMLCanvasElement | ImageBitmap = whole;
  while (present.width >= 2 * target.width && present.height >= 2 * target.height) {
    present = draw(present, { width: present.width >> 1, height: present.height >> 1 });
  }
  return present instanceof HTMLCanvasElement ? present : draw(present, present);
}

function draw(source: CanvasImageSource, { width, height }: Size): HTMLCanvasElement {
  const canvas = element("canvas", { width, height });
  const pen = canvas.getContext("2d", { willReadFrequently: true }); // on the processor: the same on each machine
  if (!pen) throw new Error("it has no memory for the picture");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(source, 0, 0, width, height);
  return canvas;
}

/** Whether any pixel lets something through. */
function isClear(canvas: HTMLCanvasElement): boolean {
  const data = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true;
  return false;
}
