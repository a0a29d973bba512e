import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { StreamAnswer } from "siamese-client/node";
import { DropPolicy, StreamCompareResponseSchema, type StreamCompareRequest, type StreamCompareResponse } from "siamese-client/proto";
import { all, deferred, failure, serve } from "./fake.js";

type Answer = NonNullable<MessageInitShape<typeof StreamCompareResponseSchema>["message"]>;

function response(message: Answer): StreamCompareResponse { return create(StreamCompareResponseSchema, { message }); }

const byte = (value: number): Uint8Array => Uint8Array.of(value);
const invalid = { code: 3, reason: "IMAGE_EMPTY", message: "empty" };

/** What the server answers to one message; a picture of the byte 99 is a bad one. */
function answerTo({ message }: StreamCompareRequest, window = 2): StreamCompareResponse {
  switch (message.case) {
    case "opening": return response({ case: "opened", value: { window: message.value.window || window, maxReferences: 16, threshold: 0.5, model: { name: "m" } } });
    case "setReference": return response({ case: "referenceSet", value: { name: message.value.name } });
    case "dropReference": return response({ case: "referenceDropped", value: { name: message.value.name } });
    case "pair": return response({ case: "pairScored", value: { id: message.value.id, score: { similarity: 0.25 } } });
    case "frame": {
      const { id, capturedAt, image } = message.value;
      const time = capturedAt && { capturedAt };
      const value = image?.source.case === "encoded" ? image.source.value[0] ?? 0 : 0;
      if (value === 99) return response({ case: "itemFailed", value: { item: { case: "id", value: id }, ...time, error: { ...invalid, field: "frame.image" } } });
      return response({ case: "frameScored", value: { id, ...time, scores: [{ reference: "r", similarity: value / 100 }] } });
    }
  }
  throw failure(Code.InvalidArgument);
}

/** One word an answer. */
function brief(answer: StreamAnswer): string {
  switch (answer.kind) {
    case "frame": return `${answer.id}=${Math.round((answer.scores[0]?.similarity ?? -1) * 100)}`;
    case "failed": return `${answer.id ?? answer.reference} ${answer.error.reason}`;
    case "referenceSet": return `+${answer.name}`;
    case "referenceDropped": return `-${answer.name}`;
    case "dropped": return `dropped ${answer.ids.join()}`;
    default: return answer.kind;
  }
}

async function briefly(answers: AsyncIterable<StreamAnswer>): Promise<string[]> { return (await all(answers)).map(brief); }

test("every kind of item is answered in its place", async () => {
  const { client, done } = await serve({ async *streamCompare(requests) { for await (const request of requests) yield answerTo(request); } });
  const capturedAt = new Date(1_700_000_000_123);
  const answers = await all(client.stream([
    byte(10), "/nowhere/at/all.jpg", byte(99), { image: byte(20), id: 77, capturedAt, references: ["r"] }, { a: byte(1), b: { reference: "r" } },
    { setReference: "s", image: byte(3) }, { setReference: "t", image: "/nowhere/at/all.jpg" }, { dropReference: "s" }, "/nowhere/at/all.jpg",
  ], { references: { r: byte(1), gone: "/nowhere/at/all.jpg" } }));
  assert.deepEqual(answers.map(brief), [
    "opened", "+r", "gone IMAGE_UNREADABLE", "0=10", "1 IMAGE_UNREADABLE", "2 IMAGE_EMPTY", "77=20", "pair", "+s", "t IMAGE_UNREADABLE", "-s", "5 IMAGE_UNREADABLE",
  ]);
  const timed = answers.find((answer) => answer.kind === "frame" && answer.id === 77);
  assert.equal(timed?.kind === "frame" && timed.capturedAt?.getTime(), capturedAt.getTime());
  await done();
});

test("no more frames are asked for than the window has room and the answers are taken", async () => {
  const { client, done } = await serve({ async *streamCompare(requests) { for await (const request of requests) yield answerTo(request); } });
  let asked = 0;
  let taken = 0;
  let most = 0;
  function* frames() {
    for (; asked < 50; ) {
      asked++;
      most = Math.max(most, asked - taken);
      yield byte(1);
    }
  }
  for await (const answer of client.stream(frames(), { window: 3 })) {
    if (answer.kind === "frame") taken++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(taken, 50);
  assert.ok(most <= 4, `${most} frames were asked for and not answered, want at most the window and the one that is answered`);
  await done();
});

test("frames that the server drops are told of", async () => {
  let policy: DropPolicy | undefined;
  const { client, done } = await serve({
    async *streamCompare(requests) {
      const waiting: StreamCompareRequest[] = [];
      for await (const request of requests) {
        if (request.message.case === "opening") {
          policy = request.message.value.dropPolicy;
          yield answerTo(request);
        } else if (waiting.push(request) === 4) {
          yield response({ case: "framesDropped", value: { ids: [0n, 1n, 2n] } });
          yield answerTo(request);
        }
      }
    },
  });
  assert.deepEqual(await briefly(client.stream([byte(1), byte(2), byte(3), byte(4)], { window: 1, dropPolicy: "latest" })), ["opened", "dropped 0,1,2", "3=4"]);
  assert.equal(policy, DropPolicy.LATEST);
  await done();
});

test("a stream that drains is followed by another one with the same references", async () => {
  const opened: string[][] = [];
  const { client, done } = await serve({
    async *streamCompare(requests) {
      const sent: string[] = [];
      opened.push(sent);
      let frames = 0;
      for await (const request of requests) {
        const { message } = request;
        if (message.case === "setReference") sent.push(message.value.name);
        if (message.case === "frame" && ++frames === 2) yield response({ case: "draining", value: {} });
        yield answerTo(request, 1);
      }
    },
  });
  const items = [byte(1), { setReference: "s", image: byte(9) }, byte(2), byte(3), byte(4), byte(5)];
  assert.deepEqual(await briefly(client.stream(items, { references: { r: byte(8) } })), [
    "opened", "+r", "0=1", "+s", "draining", "1=2", "opened", "2=3", "draining", "3=4", "opened", "4=5",
  ]);
  assert.deepEqual(opened, [["r", "s"], ["r", "s"], ["r", "s"]]);
  await done();
});

test("without reconnect the answers end after draining", async () => {
  const { client, done } = await serve({
    async *streamCompare(requests) {
      for await (const request of requests) {
        if (request.message.case === "frame") yield response({ case: "draining", value: {} });
        yield answerTo(request, 1);
        if (request.message.case === "frame") throw failure(Code.Unavailable, { reason: "DRAINING" });
      }
    },
  });
  assert.deepEqual(await briefly(client.stream([byte(1), byte(2)], { reconnect: false })), ["opened", "draining", "0=1"]);
  await done();
});

test("another stream is opened again where its server is not there yet", async () => {
  let streams = 0;
  const { client, done } = await serve({
    async *streamCompare(requests) {
      if (++streams === 2) throw failure(Code.Unavailable, { reason: "NOT_READY", retryMs: 1 });
      for await (const request of requests) {
        if (request.message.case === "frame" && streams === 1) yield response({ case: "draining", value: {} });
        yield answerTo(request, 1);
      }
    },
  }, { retry: { minDelayMs: 1 } });
  assert.deepEqual(await briefly(client.stream([byte(1), byte(2)])), ["opened", "draining", "0=1", "opened", "1=2"]);
  assert.equal(streams, 3);
  await done();
});

test("a stream that breaks throws, after what was answered", async () => {
  const { client, done } = await serve({
    async *streamCompare(requests) {
      for await (const request of requests) {
        if (request.message.case === "frame" && request.message.value.id === 1n) throw failure(Code.Internal, { message: "broke" });
        yield answerTo(request, 1);
      }
    },
  });
  const told: string[] = [];
  await assert.rejects(async () => {
    for await (const answer of client.stream([byte(1), byte(2)])) told.push(brief(answer));
  }, { name: "SiameseError", code: "INTERNAL", message: "broke" });
  assert.deepEqual(told, ["opened", "0=1"]);
  await done();
});

test("leaving the loop ends the stream and its frames", async () => {
  const ended = deferred();
  const { client, done } = await serve({
    async *streamCompare(requests, { signal }) {
      signal.addEventListener("abort", () => ended.resolve());
      for await (const request of requests) yield answerTo(request, 1);
    },
  });
  let closed = false;
  async function* frames() {
    try {
      for (;;) yield byte(1);
    } finally {
      closed = true;
    }
  }
  for await (const answer of client.stream(frames())) if (answer.kind === "frame") break;
  await ended.promise;
  assert.equal(closed, true);
  await done();
});

test("a signal ends a stream whose frames don't come", async () => {
  const { client, done } = await serve({ async *streamCompare(requests) { for await (const request of requests) yield answerTo(request, 1); } });
  const controller = new AbortController();
  async function* frames() {
    yield byte(1);
    await new Promise(() => {});
  }
  await assert.rejects(async () => {
    for await (const answer of client.stream(frames(), { signal: controller.signal })) if (answer.kind === "frame") controller.abort();
  }, { code: "CANCELLED" });
  await assert.rejects(all(client.stream([byte(1)], { signal: controller.signal })), { code: "CANCELLED" });
  await done();
});

test("what the frames throw comes out as it is", async () => {
  const { client, done } = await serve({ async *streamCompare(requests) { for await (const request of requests) yield answerTo(request, 1); } });
  const fault = new Error("the camera is gone");
  async function* frames() {
    yield byte(1);
    throw fault;
  }
  await assert.rejects(all(client.stream(frames())), (error) => error === fault);
  await assert.rejects(all(client.stream([12 as never])), /received a number as an image/);
  await assert.rejects(all(client.stream("cat.jpg")), /received a string as the frames/);
  await assert.rejects(all(client.stream([], { window: -1 })), RangeError);
  await assert.rejects(all(client.stream([{ image: byte(1), id: -1 }])), RangeError);
  await done();
});

test("answers that were not asked for are an error", async () => {
  const { client, done } = await serve({
    async *streamCompare(requests) {
      for await (const request of requests) {
        yield answerTo(request);
        yield response({ case: "referenceSet", value: { name: "what" } });
      }
    },
  });
  await assert.rejects(all(client.stream([])), { code: "INTERNAL", message: /received the stream's message referenceSet/ });
  await done();
});
