// The way to the server, and words for one that speaks something else.

import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { Http2SessionManager } from "@connectrpc/connect-node";

/**
 * Sessions whose errors are never left without a listener: one that breaks while it is being
 * closed would otherwise end the process.
 */
export class Sessions extends Http2SessionManager {
  private readonly heard = new WeakSet<ClientHttp2Session>();

  override async request(...call: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...call);
    const session = stream.session as ClientHttp2Session | undefined;
    if (session && !this.heard.has(session)) {
      this.heard.add(session);
      session.on("error", () => {}); // the call's own error tells of it
    }
    return stream;
  }
}

/** Tells in words of a server that can't be spoken to. */
export const plainly: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: plainlyRead(response.message, request.signal) } : response;
  } catch (error) {
    throw explained(error, request.signal);
  }
};

async function* plainlyRead<T>(messages: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw explained(error, signal);
  }
}

/** What errors of Node's sockets mean, by how their codes begin. */
const meanings: [code: RegExp, meaning: string][] = [
  [/^ERR_SSL_(WRONG_VERSION|PACKET_LENGTH)/, "the server answers in plain text, expected TLS: write http:// before its address, or leave out what asks for TLS (https://, the option tls)"],
  [/^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/, "the server's certificate does not hold: give the authority that signed it (the option tls.ca), or the name that it is for (tls.serverName)"],
  [/^ERR_SSL_/, "TLS with the server failed; one that asks for a certificate is given it by the options tls.cert and tls.key"],
  [/^ERR_HTTP2_ERROR/, "the server does not speak HTTP/2, expected gRPC: its gRPC is at another port (siamese serve --addr), or speaks TLS (https://, the option tls)"],
];

/** How a connection that is gone shows, beside what connect itself calls UNAVAILABLE. */
const lost = /^(ECONNRESET|ECONNABORTED|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOENT|EACCES|ERR_STREAM_|ERR_HTTP2_(INVALID_)?(STREAM|SESSION|GOAWAY))/;
const closed = /^http\/2 stream closed with error code CANCEL|^protocol error: missing status/;

/** A call that its caller ended keeps its error. */
function explained(error: unknown, { aborted }: AbortSignal): unknown {
  if (!(error instanceof ConnectError) || aborted) return error;
  const { cause, rawMessage, metadata } = error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const [, meaning] = meanings.find(([pattern]) => pattern.test(code)) ?? [];
  if (meaning) return new ConnectError(`${meaning} (${rawMessage.trim()})`, Code.Unavailable, metadata, undefined, cause);
  if (!lost.test(code) && !closed.test(rawMessage)) return error;
  return new ConnectError(`the connection to the server was lost or never there (${rawMessage.trim()})`, Code.Unavailable, metadata, undefined, cause);
}
