// Small pictures beside names.

import { addressOf } from "./client";
import { element } from "./element";
import { tile } from "./picker";

/** The shorter side of a thumbnail that is made here, in pixels: twice that of the places that show them. */
const side = 224;

/** A small picture of an entry; where there is none, the ending of its name. */
export function thumbnailOf(name: string, jpeg: Uint8Array | undefined): HTMLElement {
  if (!jpeg) return tile(name, undefined);
  return element("img", { alt: name, title: name, decoding: "async", src: addressOf(jpeg, "image/jpeg") });
}

/**
 * The address of a small picture of a file, which has to be revoked; undefined where the
 * browser can't read it. The whole picture is in memory while it is made, and no longer.
 */
export async function shrunkOf(file: Blob): Promise<string | undefined> {
  const whole = await createImageBitmap(file, { resizeHeight: side, resizeQuality: "medium" }).catch(() => undefined);
  if (!whole) return undefined;
  const canvas = element("canvas", { width: Math.min(whole.width, 2 * side), height: whole.height });
  const pen = canvas.getContext("2d");
  if (pen) {
    pen.fillStyle = "#fff"; // under what is transparent, as the server has it
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(whole, (canvas.width - whole.width) / 2, 0); // the middle of a very wide one
  }
  whole.close();
  const small = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
  return small ? URL.createObjectURL(small) : undefined;
}
