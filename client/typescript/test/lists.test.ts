import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { SiameseError } from "siamese-client/node";
import { BatchCompareResponseSchema, EmbedResponseSchema, RankResponseSchema, type Image } from "siamese-client/proto";
import { errorInList } from "#internal/errors.js";
import { partsOf } from "#internal/split.js";
import { all, failure, serve, type Answers } from "./fake.js";

/** A picture of one byte, which fake servers read. */
const byte = (value: number): Uint8Array => Uint8Array.of(value);
const valueOf = (image: Image | undefined): number => image?.source.case === "encoded" ? image.source.value[0] ?? -1 : -1;
const invalid = { code: 3, reason: "IMAGE_EMPTY", message: "empty" };

/** Answers a pair by its first picture's byte; 99 is a bad picture. sizes notes the calls. */
function batches(sizes: number[]): Answers {
  return {
    batchCompare: ({ pairs }) => {
      sizes.push(pairs.length);
      return create(BatchCompareResponseSchema, {
        threshold: 0.5, encodedImages: 2, model: { name: "m" }, timings: { total: { seconds: 0n, nanos: 1_500_000 } },
        results: pairs.map(({ imageA }, index) => ({
          outcome: valueOf(imageA) === 99
            ? { case: "error" as const, value: { ...invalid, field: `pairs[${index}].image_a` } }
            : { case: "score" as const, value: { similarity: valueOf(imageA) / 100 } },
        })),
      });
    },
  };
}

test("parts keep within items and bytes", async () => {
  const failed: [number, string][] = [];
  const parts = await all(partsOf([3, 3, 3, 9, 11, -1, 3], { items: 2, bytes: 10 }, async (bytes) => {
    if (bytes < 0) throw new SiameseError("gone", { code: "INVALID_ARGUMENT", reason: "IMAGE_UNREADABLE" });
    return { message: bytes, bytes };
  }, (index, error) => failed.push([index, error.reason])));
  assert.deepEqual(parts.map(({ indexes }) => indexes), [[0, 1], [2], [3], [6]]);
  assert.deepEqual(failed, [[4, "IMAGE_TOO_LARGE"], [5, "IMAGE_UNREADABLE"]]);
});

test("an empty list is one empty part, a list of failures none", async () => {
  const ready = async (): Promise<never> => { throw new SiameseError("gone", { code: "INVALID_ARGUMENT" }); };
  const bounds = { items: 2, bytes: 10 };
  assert.equal((await all(partsOf([], bounds, ready, () => {}))).length, 1);
  assert.equal((await all(partsOf([1], bounds, ready, () => {}))).length, 0);
});

test("a field is told as of the whole list", () => {
  const error = new SiameseError("no", { code: "INVALID_ARGUMENT", field: "pairs[1].image_b" });
  assert.equal(errorInList(error, "pairs", [64, 66]).field, "pairs[66].image_b");
  assert.equal(errorInList(error, "images", [64, 66]).field, "pairs[1].image_b");
  assert.equal(errorInList(error.at("options.threshold"), "pairs", [64, 66]).field, "options.threshold");
});

test("a long batch is several calls, its results in order", async () => {
  const sizes: number[] = [];
  const { client, done } = await serve(batches(sizes));
  const pairs = Array.from({ length: 130 }, (_, index) => [byte(index === 70 ? 99 : index % 90), byte(0)] as const);
  const missing = ["/nowhere/at/all.jpg", byte(0)] as const;
  const { results, threshold, model, encodedImages, timings } = await client.batch([...pairs.slice(0, 128), missing, ...pairs.slice(129)]);
  assert.deepEqual(sizes, [64, 64, 1]);
  assert.deepEqual([results.length, threshold, model?.name, encodedImages, timings.totalMs], [130, 0.5, "m", 6, 4.5]);
  results.forEach((result, index) => {
    if (index === 70) assert.deepEqual([result.error?.reason, result.error?.field], ["IMAGE_EMPTY", "pairs[70].image_a"]);
    else if (index === 128) assert.deepEqual([result.error?.reason, result.error?.field], ["IMAGE_UNREADABLE", "pairs[128].image_a"]);
    else assert.equal(result.error === undefined && Math.round(result.similarity * 100), index % 90);
  });
  await done();
});

test("a batch of heavy pictures is split by the message's size", async () => {
  const sizes: number[] = [];
  const { client, done } = await serve(batches(sizes), {}, { maxMessageBytes: 100_000n });
  const heavy = new Uint8Array(20_000);
  const { results } = await client.batch([[heavy, heavy], [heavy, heavy], [heavy, heavy], [new Uint8Array(200_000), heavy]]);
  assert.deepEqual(sizes, [2, 1]);
  assert.equal(results[3]?.error?.reason, "IMAGE_TOO_LARGE");
  await done();
});

test("limits are asked once, and again after they turn out to be others", async () => {
  let asked = 0;
  let most = 64;
  const { client, done } = await serve({
    getServerInfo: () => { asked++; return { limits: { maxPairs: most, maxMessageBytes: 1n << 20n } }; },
    batchCompare: ({ pairs }) => {
      if (pairs.length > most) throw failure(Code.InvalidArgument, { reason: "TOO_MANY_ITEMS", field: "pairs" });
      return { results: pairs.map(() => ({ outcome: { case: "score" as const, value: {} } })) };
    },
  });
  const pairs = Array.from({ length: 10 }, () => [byte(1), byte(2)] as const);
  await client.batch(pairs);
  await client.batch(pairs);
  assert.equal(asked, 1);
  most = 5;
  await assert.rejects(client.batch(pairs), { reason: "TOO_MANY_ITEMS" });
  assert.equal((await client.batch(pairs)).results.length, 10);
  assert.equal(asked, 2);
  await done();
});

test("an error of a later call tells the place in the whole list", async () => {
  let calls = 0;
  const { client, done } = await serve({
    batchCompare: ({ pairs }) => {
      if (++calls === 2) throw failure(Code.FailedPrecondition, { reason: "MODEL_MISMATCH", field: "pairs[1].image_a" });
      return { results: pairs.map(() => ({ outcome: { case: "score" as const, value: {} } })) };
    },
  }, {}, { maxPairs: 3 });
  await assert.rejects(client.batch(Array.from({ length: 6 }, () => [byte(1), byte(2)] as const)), { field: "pairs[4].image_a" });
  await done();
});

test("rankings of several calls are merged", async () => {
  const asked: number[] = [];
  const { client, done } = await serve({
    rank: ({ candidates, topK, query }) => {
      asked.push(candidates.length);
      assert.deepEqual([topK, valueOf(query)], [3, 7]);
      const scored = candidates.map((image, index) => ({ index, similarity: valueOf(image) / 100 })).filter(({ similarity }) => similarity !== 0.99);
      const errors = candidates.flatMap((image, index) => valueOf(image) === 99 ? [{ index, error: { ...invalid, field: `candidates[${index}]` } }] : []);
      return create(RankResponseSchema, { ranked: scored.sort((a, b) => b.similarity - a.similarity).slice(0, topK), errors, threshold: 0.5, model: { name: "m" }, encodedImages: candidates.length });
    },
  }, {}, { maxCandidates: 4 });
  const candidates = [10, 20, 50, 99, 30, 50, 98, 99, 5].map(byte);
  const { matches, failed, encodedImages } = await client.rank(byte(7), candidates, { topK: 3 });
  assert.deepEqual(asked, [4, 4, 1]);
  assert.deepEqual(matches.map(({ index }) => index), [6, 2, 5]);
  assert.deepEqual([...failed].map(([index, { field }]) => [index, field]), [[3, "candidates[3]"], [7, "candidates[7]"]]);
  assert.equal(encodedImages, 9);
  await assert.rejects(client.rank(byte(7), candidates, { topK: -1 }), RangeError);
  await done();
});

test("a long list is embedded in several calls", async () => {
  const { client, done } = await serve({
    embed: ({ images }) => create(EmbedResponseSchema, {
      results: images.map((image) => ({ outcome: { case: "embedding" as const, value: { values: [valueOf(image)], modelDigest: "d" } } })),
    }),
  }, {}, { maxImages: 2 });
  const { results } = await client.embed([1, 2, 3, 4, 5].map(byte));
  assert.deepEqual(results.map((result) => result.error ?? result.embedding.values[0]), [1, 2, 3, 4, 5]);
  await done();
});

test("a server that answers too little or too much is told of", async () => {
  const { client, done } = await serve({
    batchCompare: () => ({ results: [{ outcome: { case: "score" as const, value: {} } }] }),
    embed: () => ({ results: [] }),
    rank: ({ candidates }) => candidates.length === 1 ? { ranked: [{ index: 7 }] } : { errors: [{ index: 7 }] },
  });
  const pair = [byte(1), byte(2)] as const;
  for (const call of [client.batch([pair, pair]), client.embed([byte(1)]), client.rank(byte(1), [byte(1)]), client.rank(byte(1), [byte(1), byte(2)])]) {
    await assert.rejects(call, { code: "INTERNAL", message: /expected one for each item/ });
  }
  await done();
});

test("a deadline of a list is one of all its calls", async () => {
  let calls = 0;
  const { client, done } = await serve({
    batchCompare: async ({ pairs }, { signal }) => {
      if (++calls === 3) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { results: pairs.map(() => ({ outcome: { case: "score" as const, value: {} } })) };
    },
  }, {}, { maxPairs: 1 });
  await assert.rejects(client.batch(Array.from({ length: 9 }, () => [byte(1), byte(2)] as const), { timeoutMs: 300 }), { code: "DEADLINE_EXCEEDED" });
  assert.ok(calls <= 3);
  await done();
});
