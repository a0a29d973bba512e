import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "siamese-client/node";
import { all } from "./fake.js";
import { photo, root, scratch, Server, skip } from "./server.js";

const [cat, copy, hills] = ["cat.jpg", "cat_copy.jpg", "hills.jpg"].map(photo) as [string, string, string];

test("every call against a real server", { skip, timeout: 120_000 }, async () => {
  const server = await Server.start();
  const client = connect(server.address);
  try {
    assert.equal(await client.health(), "SERVING");
    await assert.rejects(client.health({ service: "nobody" }), { code: "NOT_FOUND" });
    const info = await client.info({ model: "omniglot" });
    assert.deepEqual([info.model.servingName, info.defaultModel !== "", info.limits.maxPairs], ["omniglot", true, 64]);
    const one = await client.compare(cat, copy, { includePrepared: true });
    assert.ok(one.same && one.similarity > one.threshold && one.timings.totalMs > 0);
    assert.deepEqual([...one.preparedA?.slice(1, 4) ?? []].map((code) => String.fromCharCode(code)).join(""), "PNG");
    const { results } = await client.batch([[cat, copy], [cat, hills]]);
    assert.deepEqual(results.map((result) => !result.error && result.same), [true, false]);
    const { results: [embedded] } = await client.embed([cat]);
    assert.ok(embedded && !embedded.error);
    const { matches } = await client.rank(embedded.embedding, [hills, copy]);
    assert.deepEqual(matches.map(({ index, same }) => [index, same]), [[1, true], [0, false]]);
    await assert.rejects(client.compare(cat, readFileSync(join(root, "LICENSE"))), { code: "INVALID_ARGUMENT", reason: "IMAGE_FORMAT_UNKNOWN", field: "image_b" });
    await assert.rejects(client.compare(cat, copy, { model: "nowhere" }), { code: "NOT_FOUND", reason: "MODEL_NOT_FOUND" });
  } finally {
    client.close();
    await server.stop();
  }
});

test("galleries of a real server", { skip, timeout: 120_000 }, async (context) => {
  const server = await Server.start([`--galleries=${scratch(context)}`]);
  const client = connect(server.address);
  const { galleries } = client;
  try {
    assert.equal((await client.info()).galleries, true);
    const made = await galleries.create("photos", { model: "general", keepThumbnails: true });
    assert.deepEqual([made.name, made.model, made.entries, made.keepThumbnails], ["photos", "general", 0, true]);
    const summary = await galleries.enrollStream("photos", [{ id: "cat", thing: "tom", image: cat }, { id: "gone", image: "/nowhere/at/all.jpg" }, { id: "bad", image: Uint8Array.of(1) }]);
    assert.deepEqual([summary.added, summary.failures.map(({ id, index, error }) => [id, index, error.reason])], [1, [["gone", 1, "IMAGE_UNREADABLE"], ["bad", 2, "IMAGE_FORMAT_UNKNOWN"]]]);
    const { results: [embedded] } = await client.embed([hills], { model: "general" });
    assert.ok(embedded && !embedded.error);
    const { results } = await galleries.enroll("photos", [{ id: "cat", thing: "tom", image: cat }, { id: "hills", image: embedded.embedding, metadata: { kind: "place" } }]);
    assert.deepEqual(results.map((result) => result.error ?? result.status), ["unchanged", "added"]);
    const { matches, searchedEntries } = await galleries.identify("photos", copy, { includeThumbnails: true });
    assert.deepEqual([matches.map(({ thing, entry, same }) => [thing, entry.id, same]), searchedEntries], [[["tom", "cat", true], ["hills", "hills", false]], 2]);
    assert.deepEqual([...matches[0]?.entry.thumbnail?.slice(0, 2) ?? []], [0xff, 0xd8], "a JPEG file");
    assert.equal(matches[0]?.similarity, (await client.compare(copy, cat, { model: "general" })).similarity);
    assert.deepEqual((await all(galleries.entries("photos", { filter: { kind: "place" } }))).map(({ id, enrolled }) => [id, enrolled instanceof Date]), [["hills", true]]);
    assert.equal(await galleries.remove("photos", { things: ["tom"] }), 1);
    await assert.rejects(galleries.entry("photos", "cat"), { code: "NOT_FOUND", reason: "ENTRY_NOT_FOUND" });
    assert.equal((await all(galleries.reindex("photos"))).at(-1)?.done, true);
    assert.equal(await galleries.delete("photos"), 1);
    await assert.rejects(galleries.get("photos"), { code: "NOT_FOUND", reason: "GALLERY_NOT_FOUND", field: "gallery" });
  } finally {
    client.close();
    await server.stop();
  }
});

test("a unix socket", { skip, timeout: 120_000 }, async (context) => {
  const socket = join(scratch(context), "siamese.sock");
  const server = await Server.start([`--addr=unix:${socket}`]);
  const client = connect(`unix:${socket}`);
  assert.equal((await client.compare(cat, copy)).same, true);
  client.close();
  await server.stop();
  await assert.rejects(connect(`unix:${socket}`, { retry: false }).info(), { code: "UNAVAILABLE" });
});

test("TLS with certificates of both sides, and a token", { skip, timeout: 120_000 }, async (context) => {
  const folder = scratch(context);
  const file = (name: string) => join(folder, name);
  for (const [command, args] of [["bash", [join(root, "scripts/make-certificates.sh"), folder]], [process.env.SIAMESE ?? "", ["token", "me", "--out", file("token")]]] as const) {
    const made = spawnSync(command, args, { encoding: "utf8" });
    assert.equal(made.status, 0, made.stderr);
    writeFileSync(file("tokens"), made.stdout); // the second one's
  }
  const server = await Server.start(["--http-addr=", `--tls-cert=${file("server.pem")}`, `--tls-key=${file("server.key")}`, `--tls-client-ca=${file("ca.pem")}`, `--tokens=${file("tokens")}`]);
  const tls = { ca: readFileSync(file("ca.pem")), cert: readFileSync(file("client.pem")), key: readFileSync(file("client.key")) };
  const token = readFileSync(file("token"), "utf8").trim();
  const tried = async (address: string, options: Parameters<typeof connect>[1]) => {
    const client = connect(address, { ...options, retry: false });
    try {
      return (await client.compare(cat, copy)).same;
    } finally {
      client.close();
    }
  };
  try {
    assert.equal(await tried(server.address, { tls, token: async () => token }), true);
    assert.equal(await tried(`https://${server.address}`, { tls, token }), true);
    await assert.rejects(tried(server.address, { tls }), { code: "UNAUTHENTICATED" });
    await assert.rejects(tried(server.address, { tls: true, token }), { code: "UNAVAILABLE", message: /certificate does not hold: give the authority/ });
    await assert.rejects(tried(server.address, { tls: { ...tls, serverName: "example.org" }, token }), { code: "UNAVAILABLE", message: /certificate does not hold/ });
    await assert.rejects(tried(server.address, { tls: { ca: tls.ca }, token }), { code: "UNAVAILABLE", message: /is given it by the options tls.cert/ });
    await assert.rejects(tried(server.address, { token }), { code: "UNAVAILABLE", message: /TLS/ });
  } finally {
    await server.stop();
  }
});

test("a server that is killed, and one that comes back", { skip, timeout: 120_000 }, async () => {
  const first = await Server.start();
  const client = connect(first.address, { retry: { attempts: 40, maxDelayMs: 500 } });
  await client.info();
  first.signal("SIGSTOP"); // the call is on its way, and not answered
  const call = client.compare(cat, copy);
  const lost = connect(first.address, { retry: false });
  const gone = assert.rejects(lost.compare(cat, copy), { code: "UNAVAILABLE" });
  await first.stop("SIGKILL");
  await gone;
  const second = await Server.start([`--addr=${first.address}`]);
  assert.equal((await call).same, true);
  client.close();
  await second.stop();
});

test("a stream whose server is told to stop loses no frame", { skip, timeout: 120_000 }, async () => {
  const server = await Server.start();
  const client = connect(server.address);
  let sent = 0;
  async function* frames() {
    for (; ; sent++) yield sent % 3 === 1 ? Uint8Array.of(1) : hills;
  }
  const counts = { frame: 0, failed: 0, draining: 0, other: 0 };
  for await (const answer of client.stream(frames(), { references: { cat }, window: 4, reconnect: false })) {
    if (answer.kind === "frame" || answer.kind === "failed" || answer.kind === "draining") counts[answer.kind]++;
    else counts.other++;
    if (answer.kind === "frame" && counts.frame === 10) server.signal("SIGTERM");
  }
  assert.deepEqual([counts.draining, counts.other], [1, 2]); // opened, and the reference
  assert.ok(counts.failed >= 5);
  assert.ok(sent - (counts.frame + counts.failed) <= 1, `${sent} frames were taken and ${counts.frame + counts.failed} answered`);
  client.close();
  await server.stop();
});
