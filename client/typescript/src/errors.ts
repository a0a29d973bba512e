// The one error of calls and of items.

import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import type { ItemError } from "./gen/siamese/v1/common_pb.js";

/** gRPC's codes in the order of their numbers, but for OK. */
const codes = [
  "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
  "DATA_LOSS", "UNAUTHENTICATED",
] as const;

/** A gRPC status code by its name. */
export type Code = typeof codes[number];

/** What a SiameseError tells beside its message. */
export interface ErrorFacts {
  code: Code;
  reason?: string;
  field?: string;
  metadata?: Readonly<Record<string, string>>;
  retryDelayMs?: number | undefined;
  cause?: unknown;
}

/**
 * A call or an item that failed: by the server, on the way to it, or since the client
 * could not read an image. Its message is for people: what was received and what was
 * expected.
 */
export class SiameseError extends Error {
  override readonly name = "SiameseError";
  readonly code: Code;
  /**
   * What went wrong, stable, such as "IMAGE_UNDECODABLE"; empty where the failure came from
   * gRPC itself. "IMAGE_UNREADABLE" is the client's own: a file, Blob or canvas gave no bytes.
   */
  readonly reason: string;
  /** The field at fault as a path within the call, such as "pairs[3].image_b"; empty where none is. */
  readonly field: string;
  /** The numbers that matter, such as a limit, as the server tells them. */
  readonly metadata: Readonly<Record<string, string>>;
  /** After how many milliseconds the server would have the call made again; undefined where it does not say. */
  readonly retryDelayMs: number | undefined;

  constructor(message: string, facts: ErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.reason = facts.reason ?? "";
    this.field = facts.field ?? "";
    this.metadata = facts.metadata ?? {};
    this.retryDelayMs = facts.retryDelayMs;
  }

  /** The same error of another field. */
  at(field: string): SiameseError {
    const { code, reason, metadata, retryDelayMs, cause } = this;
    return new SiameseError(this.message, { code, reason, field, metadata, retryDelayMs, cause });
  }
}

/** The name of a code by its number; UNKNOWN where there is none. */
export function codeOf(number: number): Code { return codes[number - 1] ?? "UNKNOWN"; }

/** What a call threw, as a SiameseError. */
export function errorOf(thrown: unknown): SiameseError {
  if (thrown instanceof SiameseError) return thrown;
  const error = ConnectError.from(thrown, ConnectCode.Unknown);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const [violation] = error.findDetails(BadRequestSchema).flatMap((request) => request.fieldViolations);
  return new SiameseError(error.rawMessage, {
    code: codeOf(error.code), reason: info?.reason ?? "", field: violation?.field ?? "", metadata: { ...info?.metadata },
    retryDelayMs: retry?.retryDelay && durationMs(retry.retryDelay), cause: thrown,
  });
}

/** Why one item has no result. */
export function itemErrorOf(item: ItemError | undefined): SiameseError {
  if (!item) return new SiameseError("received an item with neither result nor error, expected one of them", { code: "INTERNAL" });
  return new SiameseError(item.message, { code: codeOf(item.code), reason: item.reason, field: item.field });
}

/**
 * An error of a part of a list, its field told as of the whole list. indexes has the place
 * in the list for each item of the part.
 */
export function errorInList(error: SiameseError, list: string, indexes: readonly number[]): SiameseError {
  const [whole, index] = new RegExp(`^${list}\\[(\\d+)\\]`).exec(error.field) ?? [];
  const place = index === undefined ? undefined : indexes[Number(index)];
  if (whole === undefined || place === undefined) return error;
  return error.at(`${list}[${place}]${error.field.slice(whole.length)}`);
}
