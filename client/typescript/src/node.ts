// siamese-client/node: the client for Node, by gRPC over HTTP/2.

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { connect as connectTls, type SecureContextOptions } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { parseAddress, type Address } from "./address.js";
import { SiameseClient } from "./client.js";
import { StreamingGalleries } from "./enroll_stream.js";
import { GalleryService } from "./gen/siamese/v1/gallery_pb.js";
import type { ImageInput } from "./images.js";
import { settingsOf, tokenInterceptor, type ClientOptions, type Settings } from "./options.js";
import { plainly, Sessions } from "./peer.js";
import { streamOf, type StreamAnswer, type StreamItem, type StreamOptions } from "./stream.js";

export * from "./core.js";
export { StreamingGalleries } from "./enroll_stream.js";
export type {
  Draining, FrameScored, FramesDropped, ItemFailed, Opened, PairScored, ReferenceDropped, ReferenceScore, ReferenceSet,
  StreamAnswer, StreamItem, StreamOptions,
} from "./stream.js";

/** An image that only Node has: the path of a file. */
export type NodeImage = string | URL;

/** How TLS is spoken. Texts and buffers are PEM. */
export interface TlsOptions {
  /** Who may have signed the server's certificate, in place of the authorities that Node knows. */
  ca?: string | Uint8Array;
  /** The caller's certificate and its private key. */
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  /** The name that the server's certificate has, where it is another than the address's. */
  serverName?: string;
}

/** What connect can be given beside the address. */
export interface ConnectOptions extends ClientOptions {
  /** TLS: true by the authorities that Node knows. Default: as the address says, plain text where it does not. */
  tls?: boolean | TlsOptions;
}

/** A client in Node. It holds one connection, which close ends. */
export class NodeClient extends SiameseClient<NodeImage> {
  override readonly galleries: StreamingGalleries<NodeImage>;
  private readonly sessions: Sessions;

  /** For connect, which programs call. */
  constructor(address: Address, tls: TlsOptions | undefined, options: ClientOptions, settings: Settings) {
    const { baseUrl } = address;
    const sessions = new Sessions(baseUrl, {}, sessionOptions(address, tls));
    const interceptors = [...options.token === undefined ? [] : [tokenInterceptor(options.token)], plainly];
    const transport = createGrpcTransport({ baseUrl, sessionManager: sessions, interceptors });
    super(transport, settings, openFile);
    this.galleries = new StreamingGalleries(createClient(GalleryService, transport), this.caller);
    this.sessions = sessions;
  }

  /**
   * Scores frames against named references, each as it comes. It reads the frames no faster
   * than they are scored and the answers taken, and answers in their order; a frame that
   * fails is answered in its place and ends nothing. Leaving the loop ends the stream. It
   * throws SiameseError where the stream breaks.
   */
  stream(frames: AsyncIterable<StreamItem<NodeImage>> | Iterable<StreamItem<NodeImage>>, options: StreamOptions<NodeImage> = {}): AsyncGenerator<StreamAnswer, void, undefined> {
    return streamOf(this.caller.service, frames, options, this.caller.settings.retry, (input, field) => this.caller.image(input, field));
  }

  /** Ends the connection; calls in flight fail. A later call connects again. */
  close(): void { this.sessions.abort(); }
}

/**
 * A client of the server at an address such as "localhost:50051", "https://example.org:50051"
 * or "unix:/run/siamese.sock", that of siamese serve --addr. Nothing is connected before the
 * first call. Throws TypeError, in words, for an address or token that is none.
 */
export function connect(address: string, options: ConnectOptions = {}): NodeClient {
  const parsed = parseAddress(address);
  const asked = options.tls ?? parsed.tls ?? false;
  if (parsed.tls === false && asked) throw new TypeError(`received the address ${JSON.stringify(address)}, which is plain text, and the option tls, expected one of them`);
  const tls = asked === true ? {} : asked || undefined;
  const baseUrl = tls ? parsed.baseUrl.replace(/^http:/, "https:") : parsed.baseUrl;
  return new NodeClient({ ...parsed, baseUrl }, tls, options, settingsOf(options));
}

function sessionOptions({ socket }: Address, tls: TlsOptions | undefined) {
  const { serverName, ...files } = tls ?? {};
  const secure: SecureContextOptions & { servername?: string } = { ...asTls(files) };
  if (serverName) secure.servername = serverName;
  if (socket === undefined) return tls ? secure : {};
  return { createConnection: () => tls ? connectTls({ path: socket, ALPNProtocols: ["h2"], ...secure }) : connectSocket(socket) };
}

/** Node wants its own Buffers. */
function asTls(files: Omit<TlsOptions, "serverName">): SecureContextOptions {
  return Object.fromEntries(Object.entries(files).map(([name, pem]) => [name, pem instanceof Uint8Array ? Buffer.from(pem) : pem]));
}

function openFile(input: unknown): Promise<ImageInput> | undefined {
  return typeof input === "string" || input instanceof URL ? readFile(input) : undefined;
}

/** A file's bytes. What is no regular file is refused: a pipe would be waited for. */
async function readFile(path: NodeImage): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${String(path)} is no regular file`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
