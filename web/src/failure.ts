// Errors of calls: what they mean for the next call, and in words for a person.

import { SiameseError } from "siamese-client/web";

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
  MODEL_NOT_FOUND: "The server does not serve that model.",
  GALLERIES_OFF: "The server keeps no galleries.",
  GALLERY_NOT_FOUND: "The gallery is there no more.",
  GALLERY_EXISTS: "There is a gallery of that name that is made otherwise.",
  GALLERY_DENIED: "The server does not let you do that with this gallery.",
  GALLERY_MODEL_CHANGED: "The gallery's pictures are of another version of its model: Reindex, above, moves it to the present one.",
  GALLERY_FULL: "The gallery has as many pictures as the server keeps of one.",
  GALLERY_STORE_FULL: "The server's disk is full.",
  TOO_MANY_GALLERIES: "There are as many galleries as the server keeps.",
  GALLERY_UNAVAILABLE: "The server can't reach its galleries.",
  DEADLINE_EXCEEDED: "The server took too long.",
};

/** Whether there is no server to talk to at present. */
export function isGone(error: unknown): boolean {
  return error instanceof SiameseError && error.code === "UNAVAILABLE";
}

/** Whether the server asks for a token, or for another one. */
export function isLocked(error: unknown): boolean {
  return error instanceof SiameseError && error.code === "UNAUTHENTICATED";
}

/** Whether the server lacks the model that it was asked for. */
export function isNoModel(error: unknown): boolean {
  return error instanceof SiameseError && error.reason === "MODEL_NOT_FOUND";
}

/** After how many milliseconds the server would have the call made again; undefined where it does not say. */
export function waitOf(error: unknown): number | undefined {
  return error instanceof SiameseError ? error.retryDelayMs : undefined;
}

/** Whether the same call can succeed later: no server, no token, too much at once. */
export function isPassing(error: unknown): boolean {
  return isGone(error) || isLocked(error) || waitOf(error) !== undefined;
}

/** What went wrong, in a sentence or two. */
export function wordsFor(error: unknown): string {
  if (!(error instanceof SiameseError)) return error instanceof Error ? error.message : String(error);
  if (isLocked(error)) return "The server asks for a valid token.";
  const sentence = sentences[error.reason];
  return sentence ? `${sentence} (${error.message})` : error.message;
}

/** When what failed will be tried again by itself; empty where it won't. */
export function hopeFor(error: unknown): string {
  if (isLocked(error)) return "This goes on when you give one above.";
  const wait = waitOf(error);
  if (wait !== undefined) return `This goes on in ${span(wait)}.`;
  return isGone(error) ? "This goes on when the server answers again." : "";
}

/** A time for people, from milliseconds. */
function span(wait: number): string {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
}

/** What went wrong with one item of a list. */
export function wordsForItem({ reason, message }: SiameseError): string {
  return sentences[reason] ?? (message || "The server gave no reason.");
}
