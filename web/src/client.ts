// Calls of siamese.v1.SiameseService by Connect's protocol, with generated types.

import { base64Encode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { SiameseService } from "./gen/siamese/v1/service_pb.js";
import { heldToken } from "./token";

/** Longest wait for an answer, in milliseconds; the server has its own too. */
const patience = 60_000;

/** Shows the token, and tells a server that can't be reached from one that refuses. */
const calling: Interceptor = (next) => async (request) => {
  if (heldToken()) request.header.set("Authorization", `Bearer ${heldToken()}`);
  try {
    return await next(request);
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    throw new ConnectError("The server can't be reached.", Code.Unavailable, undefined, undefined, error);
  }
};

/** The server that the page came from. Calls throw ConnectError. */
export const client = createClient(SiameseService, createConnectTransport({
  baseUrl: new URL(".", location.href).href,
  useBinaryFormat: true, // pictures as they are, a quarter smaller than in JSON
  interceptors: [calling],
  defaultTimeoutMs: patience,
}));

/** An image of a call from a picture file's bytes. */
export function imageOf(encoded: Uint8Array): { source: { case: "encoded"; value: Uint8Array } } {
  return { source: { case: "encoded", value: encoded } };
}

/** The address of a PNG file's bytes, for an image element. */
export function pngAddress(bytes: Uint8Array): string {
  return `data:image/png;base64,${base64Encode(bytes)}`;
}
