// siamese-client/web: the client for browsers, by Connect's protocol over fetch.

import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { SiameseClient } from "./client.js";
import { SiameseError } from "./errors.js";
import type { ImageInput } from "./images.js";
import { settingsOf, tokenInterceptor, type ClientOptions } from "./options.js";

export * from "./core.js";

/** An image that only browsers have. What is drawn on a canvas is sent as a PNG file. */
export type WebImage = HTMLCanvasElement | OffscreenCanvas;

/** A client in a browser. Its galleries.enroll sends entries in calls of many: browsers have no stream of messages to a server. */
export class WebClient extends SiameseClient<WebImage> {
  /**
   * Refuses: browsers have no stream in both directions.
   * @deprecated Embed the references once with embed, then rank each frame against their
   * embeddings, one frame at a time.
   */
  stream(..._: unknown[]): never {
    throw new SiameseError(
      "browsers have no streams in both directions: embed the references once with embed(), then rank each frame against their embeddings with rank(), one frame at a time",
      { code: "UNIMPLEMENTED" },
    );
  }
}

/**
 * A client of the server at an address such as "https://example.org:8080", that of its page
 * (siamese serve --http-addr). Without one it is where the page came from. A page of another
 * origin must be allowed by the server (--cors-origin). Nothing is sent before the first call.
 */
export function connect(address?: string | URL, options: ClientOptions = {}): WebClient {
  const transport = createConnectTransport({
    baseUrl: baseOf(address),
    useBinaryFormat: true, // pictures as they are, a quarter smaller than in JSON
    interceptors: [...options.token === undefined ? [] : [tokenInterceptor(options.token)], reaching],
  });
  return new WebClient(transport, settingsOf(options), openCanvas);
}

function baseOf(address: string | URL | undefined): string {
  const page = (globalThis.location as Location | undefined)?.href;
  if (address === undefined && !page) throw new TypeError("received no address of a server, and there is no page that it could be that of");
  const url = new URL(address ?? ".", page);
  if (url.protocol === "http:" || url.protocol === "https:") return url.href;
  throw new TypeError(`received the address ${JSON.stringify(String(address))}, expected http://host:port, or the same by https, where the server's page is`);
}

/** Tells a server that can't be reached from one that refuses. */
const reaching: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: reachingAll(response.message) } : response;
  } catch (error) {
    throw unreached(error, "The server can't be reached.");
  }
};

async function* reachingAll<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw unreached(error, "The connection to the server was lost.");
  }
}

function unreached(error: unknown, words: string): ConnectError {
  return error instanceof ConnectError ? error : new ConnectError(words, Code.Unavailable, undefined, undefined, error);
}

function openCanvas(input: unknown): Promise<ImageInput> | undefined {
  if (typeof input === "string") throw new TypeError("received a text as an image, expected its bytes: browsers open no paths; fetch it, or take a File");
  if (typeof OffscreenCanvas !== "undefined" && input instanceof OffscreenCanvas) return input.convertToBlob({ type: "image/png" });
  if (typeof HTMLCanvasElement !== "undefined" && input instanceof HTMLCanvasElement) {
    return new Promise((resolve, reject) => {
      input.toBlob((blob) => blob ? resolve(blob) : reject(new Error(`the canvas of ${input.width} × ${input.height} pixels gives no picture`)), "image/png");
    });
  }
  return undefined;
}
