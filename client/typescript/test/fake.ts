// A server of the contract in this process, whose answers a test gives.

import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ErrorInfoSchema, RetryInfoSchema, BadRequestSchema } from "#internal/gen/google/rpc/error_details_pb.js";
import { GalleryService, GetServerInfoResponseSchema, SiameseService, type LimitsSchema } from "siamese-client/proto";
import { connect, type ConnectOptions, type NodeClient } from "siamese-client/node";

/** Answers of a test's own; what is left out is UNIMPLEMENTED. */
export type Answers = Partial<ServiceImpl<typeof SiameseService>>;
export type GalleryAnswers = Partial<ServiceImpl<typeof GalleryService>>;

/** A server and a client of it; done ends both. */
export interface Fake { client: NodeClient; address: string; done: () => Promise<void> }

/** Serves answers; info tells limits that a test can make small. */
export async function serve(answers: Answers, options: ConnectOptions = {}, limits: MessageInitShape<typeof LimitsSchema> = {}, galleries: GalleryAnswers = {}): Promise<Fake> {
  const getServerInfo = () => create(GetServerInfoResponseSchema, { limits: { maxMessageBytes: 16n << 20n, maxPairs: 64, maxCandidates: 256, maxImages: 256, ...limits } });
  const server: Http2Server = createServer(connectNodeAdapter({
    routes: (router) => { router.service(SiameseService, { getServerInfo, ...answers }).service(GalleryService, galleries); },
  }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = connect(address, options);
  return {
    client, address,
    done: async () => {
      client.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An error as the server makes them. */
export function failure(code: Code, facts: { reason?: string; field?: string; retryMs?: number; message?: string } = {}): ConnectError {
  const { reason, field, retryMs, message = "made by a test" } = facts;
  return new ConnectError(message, code, undefined, [
    ...reason === undefined ? [] : [{ desc: ErrorInfoSchema, value: { reason, domain: "siamese.v1", metadata: { limit: "64" } } }],
    ...field === undefined ? [] : [{ desc: BadRequestSchema, value: { fieldViolations: [{ field }] } }],
    ...retryMs === undefined ? [] : [{ desc: RetryInfoSchema, value: { retryDelay: { seconds: 0n, nanos: retryMs * 1e6 } } }],
  ]);
}

/** A promise with its keys. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((keep) => { resolve = keep; });
  return { promise, resolve };
}

/** All that an iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
