// Calls of siamese.v1.SiameseService by Connect's protocol: a POST with JSON.

/** Why a call has no answer. */
export class CallError extends Error {
  /**
   * @param code Connect's code, such as "invalid_argument"; "unreachable" where
   *   no server answered.
   * @param reason ErrorInfo's, such as "IMAGE_UNDECODABLE"; may be empty.
   */
  constructor(readonly code: string, readonly reason: string, message: string) { super(message); }

  /** Whether the same call can succeed later: no server, not ready, full. */
  get passing(): boolean { return this.gone || this.reason === "QUEUE_FULL"; }

  /** Whether there is no server to talk to at present. */
  get gone(): boolean { return this.code === "unreachable" || this.code === "unavailable"; }
}

/** Longest wait for an answer, in milliseconds; the server has its own too. */
const patience = 60_000;

/** Sends a request, an object or its JSON, and gives the answer. Throws CallError. */
export async function call<Answer>(method: string, request: object | string): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(`siamese.v1.SiameseService/${method}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Connect-Protocol-Version": "1" },
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
  details?: { type?: string; debug?: { reason?: string } }[];
}

async function errorOf(response: Response): Promise<CallError> {
  const wire = await response.json().catch(() => ({})) as WireError;
  const info = wire.details?.find((detail) => detail.type === "google.rpc.ErrorInfo");
  const code = wire.code ?? (response.status >= 500 ? "unavailable" : "unknown");
  return new CallError(code, info?.debug?.reason ?? "", wire.message ?? `The server answered with HTTP status ${response.status}.`);
}
