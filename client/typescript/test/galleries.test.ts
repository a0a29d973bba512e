import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { NewEntry, ReindexProgress } from "siamese-client/node";
import { BatchEnrollResponseSchema, EnrollResponseSchema, EnrollStatus, FindDuplicatesResponseSchema, IdentifyResponseSchema, type IdentifyRequest, type Image, type NewEntry as EntryMessage } from "siamese-client/proto";
import { all, deferred, failure, serve, type GalleryAnswers } from "./fake.js";

const byte = (value: number): Uint8Array => Uint8Array.of(value);
const valueOf = (image: Image | undefined): number => image?.source.case === "encoded" ? image.source.value[0] ?? -1 : -1;
const invalid = { code: 3, reason: "IMAGE_EMPTY", message: "empty" };
const missing = "/nowhere/at/all.jpg";
const entry = (value: number): NewEntry<string> => ({ id: `e${value}`, image: byte(value) });

function fake(galleries: GalleryAnswers, limits: Parameters<typeof serve>[2] = {}) { return serve({}, {}, limits, galleries); }

/** Keeps entries; a picture of the byte 99 is a bad one. sizes notes the calls. */
function keeping(sizes: number[]): GalleryAnswers {
  const status = (value: number) => value % 2 ? EnrollStatus.ADDED : EnrollStatus.UNCHANGED;
  return {
    batchEnroll: ({ entries }) => {
      sizes.push(entries.length);
      return create(BatchEnrollResponseSchema, {
        timings: { encode: { nanos: 2_500_000 } },
        results: entries.map(({ image }, at) => valueOf(image) === 99
          ? { outcome: { case: "error" as const, value: { ...invalid, field: `entries[${at}].image` } } }
          : { outcome: { case: "status" as const, value: status(valueOf(image)) }, familiarity: { value: 0.25, foreign: true }, warning: "foreign" }),
      });
    },
  };
}

test("galleries are told of, made and deleted", async () => {
  const created = new Date(1_700_000_000_123);
  const asked: unknown[] = [];
  const whole = { name: "cats", model: "general", reference: { digest: "d" }, entries: 5n, staleEntries: 2n, keepThumbnails: true, created: timestampFromDate(created), reindexing: true };
  const { client: { galleries }, done } = await fake({
    listGalleries: () => ({ galleries: [whole, { name: "dogs" }] }),
    getGallery: ({ gallery }) => { throw failure(Code.NotFound, { reason: "GALLERY_NOT_FOUND", field: "gallery", message: gallery }); },
    createGallery: ({ gallery, model, keepPictures, keepThumbnails }) => { asked.push([gallery, model, keepPictures, keepThumbnails]); return { gallery: whole }; },
    deleteGallery: ({ gallery }) => { asked.push(gallery); return { entries: 7n }; },
  });
  const told = { name: "cats", model: "general", reference: { name: "", version: "", digest: "d" }, entries: 5, staleEntries: 2, keepPictures: false, keepThumbnails: true, created, reindexing: true };
  const [first, second] = await galleries.list();
  assert.deepEqual(first, told);
  assert.deepEqual([second?.name, second?.created], ["dogs", undefined]);
  assert.deepEqual(await galleries.create("cats", { model: "general", keepThumbnails: true }), told);
  await galleries.create("cats");
  assert.equal(await galleries.delete("cats"), 7);
  assert.deepEqual(asked, [["cats", "general", false, true], ["cats", "", false, false], "cats"]);
  await assert.rejects(galleries.get("mice"), { code: "NOT_FOUND", reason: "GALLERY_NOT_FOUND", field: "gallery", message: "mice" });
  await done();
});

test("a long list of entries is several calls, its results in order", async () => {
  const sizes: number[] = [];
  const { client: { galleries }, done } = await fake(keeping(sizes), { maxImages: 2 });
  const { results, timings } = await galleries.enroll("cats", [entry(1), { id: "gone", image: missing }, entry(2), entry(3), entry(99)]);
  assert.deepEqual(sizes, [2, 2]);
  assert.deepEqual(results.map((result) => result.error?.reason ?? (result.error ? "" : result.status)), ["added", "IMAGE_UNREADABLE", "unchanged", "added", "IMAGE_EMPTY"]);
  assert.deepEqual([results[1]?.error?.field, results[4]?.error?.field], ["entries[1].image", "entries[4].image"]);
  assert.deepEqual(results[0], { status: "added", familiarity: { value: 0.25, foreign: true }, warning: "foreign" });
  assert.equal(timings.encodeMs, 5);
  await done();
});

test("an entry's texts count among a message's bytes", async () => {
  const sizes: number[] = [];
  const { client: { galleries }, done } = await fake(keeping(sizes), { maxMessageBytes: 20_000n });
  const note = "n".repeat(1000);
  await galleries.enroll("cats", [1, 2, 3, 4, 5, 6].map((value) => ({ ...entry(value), metadata: { note, other: note } })));
  assert.deepEqual(sizes, [2, 2, 2]);
  await done();
});

test("a server that answers no entry, or half a result, is told of", async () => {
  const { client: { galleries }, done } = await fake({
    batchEnroll: ({ entries }) => entries.length === 1 ? { results: [{}] } : { results: [] },
    getEntry: () => ({}),
    async *findDuplicates() { yield create(FindDuplicatesResponseSchema, { event: { case: "group", value: {} } }); },
    async *reindex() { yield { done: false }; },
  });
  const { results: [half] } = await galleries.enroll("cats", [entry(1)]);
  assert.equal(half?.error?.code, "INTERNAL");
  for (const call of [() => galleries.enroll("cats", [entry(1), entry(2)]), () => galleries.entry("cats", "e1"), () => all(galleries.duplicates("cats")), () => all(galleries.reindex("cats"))]) {
    await assert.rejects(call(), { code: "INTERNAL" });
  }
  await done();
});

test("entries come page by page, as they are taken", async () => {
  const pages: string[] = [];
  const { client: { galleries }, done } = await fake({
    listEntries: ({ pageToken, pageSize, filter, thing, staleOnly, includeThumbnails }) => {
      pages.push([pageToken, pageSize, filter.kind, thing, staleOnly, includeThumbnails].join());
      const next = { "": "b", b: "c", c: "" }[pageToken] ?? "";
      return { entries: [{ id: `${pageToken}1`, thumbnailJpeg: byte(7), metadata: { kind: "cat" } }, { id: `${pageToken}2` }], nextPageToken: next };
    },
    getEntry: ({ id, includePicture, includeEmbedding }) => ({ entry: { id, picture: includePicture ? byte(8) : byte(0).slice(1), ...includeEmbedding ? { embedding: { values: [1, 0.5], modelDigest: "d" } } : {} } }),
    removeEntries: ({ ids, things }) => ({ removed: BigInt(ids.length + 10 * things.length) }),
  });
  const found = await all(galleries.entries("cats", { pageSize: 2, filter: { kind: "cat" }, thing: "tom", staleOnly: true, includeThumbnails: true }));
  assert.deepEqual(found.map(({ id }) => id), ["1", "2", "b1", "b2", "c1", "c2"]);
  assert.deepEqual([found[0]?.thumbnail?.[0], found[1]?.thumbnail, found[0]?.metadata], [7, undefined, { kind: "cat" }]);
  assert.deepEqual(pages, [",2,cat,tom,true,true", "b,2,cat,tom,true,true", "c,2,cat,tom,true,true"]);
  for await (const { id } of galleries.entries("cats")) if (id === "2") break;
  assert.deepEqual(pages.slice(3), [",0,,,false,false"]);
  await assert.rejects(all(galleries.entries("cats", { pageSize: -1 })), { name: "RangeError", message: /pageSize -1/ });
  const whole = await galleries.entry("cats", "e1", { includePicture: true, includeEmbedding: true });
  assert.deepEqual([whole.picture?.[0], whole.embedding?.values, whole.embedding?.modelDigest], [8, Float32Array.of(1, 0.5), "d"]);
  assert.equal((await galleries.entry("cats", "e1")).picture, undefined);
  assert.equal(await galleries.remove("cats", { ids: ["a", "b"], things: ["c"] }), 12);
  await done();
});

test("an image is identified", async () => {
  const asked: IdentifyRequest[] = [];
  const { client: { galleries }, done } = await fake({
    identify: (request) => {
      asked.push(request);
      return create(IdentifyResponseSchema, {
        threshold: 0.5, model: { name: "m" }, familiarity: { value: 0.125 }, warning: "careful", searchedEntries: 12n, timings: { total: { nanos: 1_500_000 } },
        matches: [{ thing: "tom", similarity: 0.75, same: true, entry: { id: "e1", thing: "tom", thumbnailJpeg: byte(7) } }],
      });
    },
  });
  const { matches: [best], ...rest } = await galleries.identify("cats", byte(5), { topK: 3, minSimilarity: 0.25, threshold: 0, filter: { kind: "cat" }, includeThumbnails: true });
  assert.deepEqual([best?.thing, best?.entry.id, best?.similarity, best?.same, best?.entry.thumbnail?.[0]], ["tom", "e1", 0.75, true, 7]);
  assert.deepEqual([rest.threshold, rest.model.name, rest.familiarity, rest.warning, rest.searchedEntries, rest.timings.totalMs], [0.5, "m", { value: 0.125, foreign: false }, "careful", 12, 1.5]);
  await galleries.identify("cats", { values: Float32Array.of(1), modelDigest: "d" });
  assert.deepEqual(asked.map(({ topK, minSimilarity, threshold, filter }) => [topK, minSimilarity, threshold, { ...filter }]), [[3, 0.25, 0, { kind: "cat" }], [0, 0, undefined, {}]]);
  assert.deepEqual([valueOf(asked[0]?.image), asked[1]?.image?.source.case], [5, "embedding"]);
  await assert.rejects(galleries.identify("cats", missing), { reason: "IMAGE_UNREADABLE", field: "image" });
  await assert.rejects(galleries.identify("cats", byte(1), { topK: 0.5 }), { name: "RangeError" });
  await done();
});

/** What FindDuplicates sends. */
function event(message: NonNullable<MessageInitShape<typeof FindDuplicatesResponseSchema>["event"]>) { return create(FindDuplicatesResponseSchema, { event: message }); }

test("duplicates come as they are found, again where the first try fails, and end when the loop is left", async () => {
  let tries = 0;
  const ended = deferred();
  const { client: { galleries }, done } = await serve({}, { retry: { minDelayMs: 1 } }, {}, {
    async *findDuplicates({ gallery, threshold, acrossThings }, { signal }) {
      if (++tries === 1) throw failure(Code.Unavailable);
      assert.deepEqual([threshold, acrossThings], [0.75, true]);
      yield event({ case: "group", value: { entries: [{ entry: { id: "a" }, similarity: 0.875 }, { entry: { id: "b" }, similarity: 0.875 }] } });
      if (gallery === "endless") {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        ended.resolve();
      }
      yield event({ case: "done", value: { entries: 9n, groups: 1n } });
    },
  });
  const groups = galleries.duplicates("cats", { threshold: 0.75, acrossThings: true });
  const first = await groups.next();
  assert.deepEqual(first.done ? [] : first.value.map(({ entry, similarity }) => [entry.id, similarity]), [["a", 0.875], ["b", 0.875]]);
  assert.deepEqual(await groups.next(), { done: true, value: { entries: 9, groups: 1 } });
  assert.equal(tries, 2);
  for await (const group of galleries.duplicates("endless", { threshold: 0.75, acrossThings: true })) {
    assert.equal(group.length, 2);
    break;
  }
  await ended.promise;
  const stop = new AbortController();
  await assert.rejects(async () => { for await (const _ of galleries.duplicates("endless", { threshold: 0.75, acrossThings: true, signal: stop.signal })) stop.abort(); }, { code: "CANCELLED" });
  await done();
});

test("a reindex tells of its progress", async () => {
  const { client: { galleries }, done } = await fake({
    async *reindex({ gallery, model }) {
      assert.deepEqual([gallery, model], ["cats", "general"]);
      yield { encoded: 1n, missing: 0n, entries: 3n };
      yield { encoded: 2n, missing: 1n, entries: 3n, done: true, missingIds: ["e3"] };
    },
  });
  const told: ReindexProgress[] = await all(galleries.reindex("cats", { model: "general" }));
  assert.deepEqual(told, [{ encoded: 1, missing: 0, entries: 3, done: false, missingIds: [] }, { encoded: 2, missing: 1, entries: 3, done: true, missingIds: ["e3"] }]);
  await done();
});

/** Takes a stream of entries; a picture of the byte 99 is a bad one. */
const streaming: GalleryAnswers = {
  enroll: async (requests) => {
    const sent: EntryMessage[] = [];
    let gallery = "";
    for await (const request of requests) {
      gallery ||= request.gallery;
      if (request.entry) sent.push(request.entry);
    }
    const failures = sent.flatMap(({ id, image }, index) => valueOf(image) === 99 ? [{ id, index: BigInt(index), error: { ...invalid, field: "entry.image" } }] : []);
    return create(EnrollResponseSchema, { added: BigInt(sent.length - failures.length), unchanged: BigInt(gallery.length), failed: BigInt(failures.length), failures });
  },
};

test("a stream of entries tells of those that failed by their place among all", async () => {
  const { client: { galleries }, done } = await fake(streaming);
  async function* entries() {
    yield { id: "gone1", image: missing };
    yield* [entry(1), entry(99)];
    yield { id: "gone2", image: missing };
    yield* [entry(99), entry(2)];
  }
  const { failures, ...counts } = await galleries.enrollStream("cats", entries());
  assert.deepEqual(counts, { added: 2, replaced: 0, unchanged: 4, failed: 4 });
  assert.deepEqual(failures.map(({ id, index, error }) => [id, index, error.reason, error.field]), [
    ["gone1", 0, "IMAGE_UNREADABLE", "entry.image"], ["e99", 2, "IMAGE_EMPTY", "entry.image"],
    ["gone2", 3, "IMAGE_UNREADABLE", "entry.image"], ["e99", 4, "IMAGE_EMPTY", "entry.image"],
  ]);
  assert.equal((await galleries.enrollStream("cats", [])).added, 0);
  await done();
});

test("a stream of entries ends by an error of its own, of the server's, or a signal", { timeout: 20_000 }, async () => {
  const { client: { galleries }, done } = await fake({
    enroll: async (requests) => {
      for await (const { gallery } of requests) if (gallery === "none") throw failure(Code.NotFound, { reason: "GALLERY_NOT_FOUND" });
      return {};
    },
  });
  let closed = 0;
  async function* endless() {
    try {
      for (let value = 0; ; value++) yield entry(value % 90);
    } finally {
      closed++;
    }
  }
  async function* broken() {
    yield entry(1);
    throw new Error("the disk is gone");
  }
  await assert.rejects(galleries.enrollStream("none", endless()), { code: "NOT_FOUND", reason: "GALLERY_NOT_FOUND" });
  await assert.rejects(galleries.enrollStream("cats", broken()), { message: "the disk is gone" });
  await assert.rejects(galleries.enrollStream("cats", endless(), { timeoutMs: 100 }), { code: "DEADLINE_EXCEEDED" });
  const stop = new AbortController();
  async function* stopping() {
    yield* [entry(1), entry(2)];
    stop.abort();
    yield* endless();
  }
  await assert.rejects(galleries.enrollStream("cats", stopping(), { signal: stop.signal }), { code: "CANCELLED" });
  assert.equal(closed, 3, "iterables that were let end");
  await done();
});
