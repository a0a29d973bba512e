// Calls of siamese.v1.SiameseService by Connect's protocol: a POST with JSON.

import { heldToken } from "./token";

/** Why a call has no answer. */
export class CallError extends Error {
  /**
   * @param code Connect's code, such as "invalid_argument"; "unreachable" where
   *   no server answered.
   * @param reason ErrorInfo's, such as "IMAGE_UNDECODABLE"; may be empty.
   * @param wait RetryInfo's: after how many milliseconds the server would have
   *   the call made again; undefined where it said nothing of that.
   */
  constructor(readonly code: string, readonly reason: string, message: string, readonly wait?: number | undefined) { super(message); }

  /** Whether the same call can succeed later: no server, no token, too much at once. */
  get passing(): boolean { return this.gone || this.locked || this.wait !== undefined; }

  /** Whether the server asks for a token, or for another one. */
  get locked(): boolean { return this.code === "unauthenticated"; }

  /** Whether there is no server to talk to at present. */
  get gone(): boolean { return this.code === "unreachable" || this.code === "unavailable"; }
}

/** Longest wait for an answer, in milliseconds; the server has its own too. */
const patience = 60_000;

/** Sends a request, an object or its JSON, and gives the answer. Throws CallError. */
export async function call<Answer>(method: string, request: object | string): Promise<Answer> {
  const headers: Record<string, string> = { "Content-Type": "application/json", "Connect-Protocol-Version": "1" };
  if (heldToken()) headers["Authorization"] = `Bearer ${heldToken()}`;
  let response: Response;
  try {
    response = await fetch(`siamese.v1.SiameseService/${method}`, {
      method: "POST",
      headers,
      body: typeof request === "string" ? request : JSON.stringify(request),
      signal: AbortSignal.timeout(patience),
    });
    if (response.ok) return await response.json() as Answer;
  } catch {
    throw new CallError("unreachable", "", "The server can't be reached.");
  }
  throw await errorOf(response);
}

interface WireError {
  code?: string; message?: string;
  details?: { type?: string; debug?: { reason?: string; retryDelay?: string } }[];
}

async function errorOf(response: Response): Promise<CallError> {
  const wire = await response.json().catch(() => ({})) as WireError;
  const detail = (type: string) => wire.details?.find((detail) => detail.type === `google.rpc.${type}`)?.debug;
  const delay = detail("RetryInfo")?.retryDelay; // such as "0.25s"
  const code = wire.code ?? (response.status >= 500 ? "unavailable" : "unknown");
  return new CallError(code, detail("ErrorInfo")?.reason ?? "", wire.message ?? `The server answered with HTTP status ${response.status}.`,
    delay ? parseFloat(delay) * 1000 : undefined);
}
