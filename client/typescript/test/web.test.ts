import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect as connectNode } from "siamese-client/node";
import { openPage, servePages, skipBrowser } from "./browser.js";
import { photo, scratch, Server, skip } from "./server.js";

/** Runs a script in a page, to which connect, SiameseError and the server's url are known; it returns what can be JSON. */
type Script = (script: string) => Promise<unknown>;

/** Starts a server and opens a page of another origin, which the server allows. */
async function withPage(body: (script: Script, server: Server) => Promise<void>, args: string[] = []): Promise<void> {
  const { origin, close: closePages } = await servePages();
  const server = await Server.start([`--cors-origin=${origin}`, ...args]);
  const { page, close } = await openPage(origin, false);
  try {
    const known = { url: server.url, cat: readFileSync(photo("cat.jpg")).toString("base64") };
    await body((script) => page.evaluate(`(async ({ url, cat }) => {
      const { connect, SiameseError } = await import("siamese-client/web");
      const picture = Uint8Array.from(atob(cat), (letter) => letter.charCodeAt(0));
      const told = (error) => ({ name: error.name, own: error instanceof SiameseError, code: error.code, reason: error.reason, field: error.field, message: error.message });
      ${script}
    })(${JSON.stringify(known)})`), server);
  } finally {
    await close();
    await server.stop();
    closePages();
  }
}

test("calls from a page of another origin", { skip: skip || skipBrowser, timeout: 120_000 }, async () => {
  await withPage(async (script, server) => {
    const [same, blob, file] = await script(`
      const client = connect(url);
      const images = [picture, new Blob([picture]), new File([picture], "cat.jpg")];
      return Promise.all(images.map(async (image) => (await client.compare(picture, image)).similarity));`) as number[];
    const node = connectNode(server.address);
    assert.equal(same, (await node.compare(photo("cat.jpg"), photo("cat.jpg"))).similarity);
    assert.deepEqual([blob, file], [same, same]);
    node.close();
    const all = await script(`
      const client = connect(url);
      const { results } = await client.batch(Array.from({ length: 70 }, (_, at) => [picture, at === 66 ? new Uint8Array([1]) : picture]));
      const { results: [embedded] } = await client.embed([picture]);
      const { matches } = await client.rank(picture, [embedded.embedding]);
      return { health: await client.health(), pairs: results.length, error: told(results[66].error), same: matches[0].same, models: (await client.info()).models.length };`);
    assert.deepEqual(all, {
      health: "SERVING", pairs: 70, same: true, models: 2,
      error: { name: "SiameseError", own: true, code: "INVALID_ARGUMENT", reason: "IMAGE_FORMAT_UNKNOWN", field: "pairs[66].image_b", message: (all as { error: { message: string } }).error.message },
    });
  });
});

test("galleries from a page of another origin", { skip: skip || skipBrowser, timeout: 120_000 }, async (context) => {
  await withPage(async (script) => {
    const told = await script(`
      const { galleries } = connect(url);
      await galleries.create("photos", { model: "general" });
      const canvas = new OffscreenCanvas(32, 32);
      canvas.getContext("2d").fillRect(8, 8, 16, 16);
      const { results } = await galleries.enroll("photos", [{ id: "cat", image: new Blob([picture]) }, { id: "bad", image: new Uint8Array([1]) }, { id: "square", image: canvas }]);
      const { matches } = await galleries.identify("photos", picture);
      const progress = [];
      for await (const { done, encoded } of galleries.reindex("photos")) progress.push([done, encoded]);
      const ended = new AbortController();
      ended.abort();
      const reindexed = galleries.reindex("photos", { signal: ended.signal }).next().catch(told);
      return { results: results.map((result) => result.error ? told(result.error).field : result.status), best: matches[0].entry.id, same: matches[0].same, progress, ended: (await reindexed).code };`);
    assert.deepEqual(told, { results: ["added", "entries[1].image", "added"], best: "cat", same: true, progress: [[true, 2]], ended: "CANCELLED" });
  }, [`--galleries=${scratch(context)}`]);
});

test("canvases and their pixels", { skip: skip || skipBrowser, timeout: 120_000 }, async () => {
  await withPage(async (script) => {
    const similarities = await script(`
      const bitmap = await createImageBitmap(new Blob([picture]));
      const canvas = document.createElement("canvas");
      const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height);
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      for (const each of [canvas, offscreen]) each.getContext("2d").drawImage(bitmap, 0, 0);
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const client = connect(new URL(url));
      return Promise.all([canvas, offscreen, pixels].map(async (image) => (await client.compare(picture, image)).similarity));`) as number[];
    assert.equal(similarities.length, 3);
    for (const similarity of similarities) assert.ok(similarity > 0.9, `${similarity} of a picture with itself, drawn`);
    const refused = await script(`
      const empty = document.createElement("canvas");
      empty.width = 0;
      const client = connect(url);
      return Promise.all([empty, "cat.jpg"].map((image) => client.compare(picture, image).catch(told)));`) as { name: string; reason?: string; message: string }[];
    assert.deepEqual(refused.map(({ name, reason }) => [name, reason]), [["SiameseError", "IMAGE_UNREADABLE"], ["TypeError", undefined]]);
    assert.match(refused[1]?.message ?? "", /browsers open no paths; fetch it/);
  });
});

test("what browsers can't do, and servers that can't be called", { skip: skip || skipBrowser, timeout: 120_000 }, async () => {
  await withPage(async (script, server) => {
    const stream = await script(`try { connect(url).stream([picture]); } catch (error) { return told(error); }`) as { code: string; message: string };
    assert.equal(stream.code, "UNIMPLEMENTED");
    assert.match(stream.message, /embed\(\), then rank each frame .* with rank\(\)/);
    const address = await script(`try { connect("localhost:50051"); } catch (error) { return told(error); }`) as { name: string; message: string };
    assert.equal(address.name, "TypeError");
    assert.match(address.message, /expected http:\/\/host:port/);
    const ended = await script(`return connect(url).compare(picture, picture, { signal: AbortSignal.abort() }).catch(told);`) as { code: string };
    assert.equal(ended.code, "CANCELLED");
    await server.stop();
    const gone = await script(`return connect(url, { retry: false }).info().catch(told);`) as { code: string; message: string };
    assert.deepEqual([gone.code, gone.message], ["UNAVAILABLE", "The server can't be reached."]);
  });
});
