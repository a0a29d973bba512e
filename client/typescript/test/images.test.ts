import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { CompareRequest, Image } from "siamese-client/proto";
import { serve } from "./fake.js";

/** What a server receives of images, by the client's compare. */
async function received(...images: unknown[]): Promise<(Image | undefined)[]> {
  const requests: CompareRequest[] = [];
  const { client, done } = await serve({ compare: (request) => { requests.push(request); return {}; } });
  try {
    for (const image of images) await client.compare(image as never, null as never);
  } finally {
    await done();
  }
  return requests.map(({ imageA }) => imageA);
}

test("bytes come as they are", async () => {
  const folder = mkdtempSync(join(tmpdir(), "siamese-client-"));
  const path = join(folder, "picture.jpg");
  writeFileSync(path, "picture");
  const bytes = new TextEncoder().encode("picture");
  const shared = new Uint8Array(new SharedArrayBuffer(7));
  shared.set(bytes);
  const images = await received(bytes, Buffer.from("picture"), bytes.buffer, shared, new Blob(["picture"]), new File(["picture"], "a.jpg"), path, pathToFileURL(path));
  for (const image of images) {
    assert.equal(image?.source.case === "encoded" && Buffer.from(image.source.value).toString(), "picture");
  }
  assert.equal(images.length, 8);
  rmSync(folder, { recursive: true });
});

test("pixels come with their layout", async () => {
  const data = new Uint8Array(12);
  const [rgb, gray, none, rgba] = await received(
    { width: 2, height: 2, format: "rgb8", data }, { width: 3, height: 4, format: "gray8", data }, { width: 2, height: 2, data },
    { width: 2, height: 1, data: Uint8ClampedArray.of(10, 20, 30, 255, 100, 0, 255, 51) },
  );
  assert.deepEqual([rgb, gray, none].map((image) => image?.source.case === "raw" && [image.source.value.width, image.source.value.format]), [[2, 1], [3, 2], [2, 0]]);
  // A fifth of the second pixel on white: 255 - (255 - channel) / 5.
  assert.deepEqual(rgba?.source.case === "raw" && [...rgba.source.value.data], [10, 20, 30, 224, 204, 255]);
});

test("an embedding and a reference come as such, and nothing as nothing", async () => {
  const [embedding, reference, unset] = await received({ values: Float32Array.of(0.5, 0), modelDigest: "d" }, { reference: "r" }, undefined);
  assert.deepEqual(embedding?.source.case === "embedding" && [embedding.source.value.values, embedding.source.value.modelDigest], [[0.5, 0], "d"]);
  assert.equal(reference?.source.case === "reference" && reference.source.value, "r");
  assert.equal(unset?.source.case, undefined);
});

test("what is no image is refused in words", async () => {
  for (const [image, words] of [
    [7, /received a number as an image/], [{}, /received an object \(Object\)/], [[1, 2], /object \(Array\)/],
    [{ width: -1, height: 2, format: "rgb8", data: new Uint8Array(1) }, /width -1/],
    [{ width: 2, height: 2, data: [1, 2] }, /received an object/],
  ] as const) await assert.rejects(received(image), { name: "TypeError", message: words });
});

test("a file that can't be read is told by its path", { skip: process.platform === "win32" && "there are no pipes by mkfifo" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "siamese-client-"));
  const pipe = join(folder, "pipe");
  assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
  for (const [path, words] of [[join(folder, "none"), /ENOENT/], [folder, /is no regular file|EISDIR/], [pipe, /pipe is no regular file/], ["a\0b", /null bytes/], [new URL("https://example.org/a.jpg"), /scheme/]] as const) {
    await assert.rejects(received(path), { code: "INVALID_ARGUMENT", reason: "IMAGE_UNREADABLE", field: "image_a", message: words });
  }
  rmSync(folder, { recursive: true });
});
