// The server that the page came from.

import { connect } from "siamese-client/web";
import { heldToken } from "./token";

/**
 * Its calls, which throw SiameseError. None is made again by itself: the page says that one
 * failed, and makes it again once that can go well.
 */
export const client = connect(new URL(".", location.href), { token: heldToken, retry: false });

/** The address of a picture file's bytes, for an image element. */
export function addressOf(bytes: Uint8Array, type: "image/png" | "image/jpeg"): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `data:${type};base64,${btoa(text)}`;
}
