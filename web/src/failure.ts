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
  NOT_READY: "The server is still loading its model.",
  DRAINING: "The server is about to stop.",
  DEADLINE_EXCEEDED: "The server took too long.",
};

/** What went wrong, in a sentence or two. */
export function wordsFor(error: unknown): string {
  if (!(error instanceof CallError)) return error instanceof Error ? error.message : String(error);
  const sentence = sentences[error.reason];
  return sentence ? `${sentence} (${error.message})` : error.message;
}

/** The same for one item of a list. */
export function wordsForItem(error: ItemError | undefined): string {
  return sentences[error?.reason ?? ""] ?? error?.message ?? "The server gave no reason.";
}
