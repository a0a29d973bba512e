// Errors in words for a person.

import { CallError } from "./client";
import type { ItemError } from "./contract";

const sentences: Record<string, string> = {
  IMAGE_EMPTY: "The file is empty.",
  IMAGE_TOO_LARGE: "The file is larger than the server takes.",
  IMAGE_FORMAT_UNKNOWN: "The file is no picture that the server can read.",
  IMAGE_UNDECODABLE: "The picture is damaged.",
  IMAGE_TOO_MANY_PIXELS: "The picture has more pixels than the server takes.",
  IMAGE_SHAPE: "The picture is too long and narrow.",
  QUEUE_FULL: "The server is busy.",
  SERVER_BUSY: "The server is busy.",
  RATE_LIMITED: "That was more often than the server lets you ask.",
  TOO_MANY_CALLS: "The server has as many calls of yours under way as it allows.",
  TOO_MANY_STREAMS: "As many cameras are being compared as the server takes.",
  NOT_READY: "The server is still loading its model.",
  DRAINING: "The server is about to stop.",
  DEADLINE_EXCEEDED: "The server took too long.",
};

/** What went wrong, in a sentence or two. */
export function wordsFor(error: unknown): string {
  if (!(error instanceof CallError)) return error instanceof Error ? error.message : String(error);
  if (error.locked) return "The server asks for a valid token.";
  const sentence = sentences[error.reason];
  return sentence ? `${sentence} (${error.message})` : error.message;
}

/** When what failed will be tried again by itself; empty where it won't. */
export function hopeFor(error: unknown): string {
  if (!(error instanceof CallError)) return "";
  if (error.locked) return "This goes on when you give one above.";
  if (error.wait !== undefined) return `This goes on in ${span(error.wait)}.`;
  return error.gone ? "This goes on when the server answers again." : "";
}

/** A time for people, from milliseconds. */
function span(wait: number): string {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
}

/** What went wrong with one item of a list. */
export function wordsForItem(error: ItemError | undefined): string {
  return sentences[error?.reason ?? ""] ?? error?.message ?? "The server gave no reason.";
}
