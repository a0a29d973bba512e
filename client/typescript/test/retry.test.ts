import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { Deadline, retrying, retryOf, type Clock } from "#internal/retry.js";
import { connect, SiameseError } from "siamese-client/node";
import { deferred, failure, serve } from "./fake.js";

const picture = new Uint8Array([1]);
const score = { similarity: 0.75, same: true, threshold: 0.5 };
const quick = { attempts: 3, minDelayMs: 1, maxDelayMs: 2 };

/** A clock on which sleeping takes no time. */
function clockOf(random = 0): Clock & { slept: number[] } {
  let now = 0;
  const slept: number[] = [];
  return { slept, now: () => now, random: () => random, sleep: async (milliseconds) => { slept.push(milliseconds); now += milliseconds; } };
}

function refuse(code: "UNAVAILABLE" | "RESOURCE_EXHAUSTED" | "INVALID_ARGUMENT", retryDelayMs?: number) {
  return async (): Promise<never> => { throw new SiameseError("no", { code, retryDelayMs }); };
}

test("pauses double to the longest", async () => {
  const clock = clockOf();
  const policy = retryOf({ attempts: 6, minDelayMs: 100, maxDelayMs: 500 });
  await assert.rejects(retrying(refuse("UNAVAILABLE"), policy, new Deadline(60_000, undefined, clock)), { code: "UNAVAILABLE" });
  assert.deepEqual(clock.slept, [100, 200, 400, 500, 500]);
});

test("pauses are shortened by up to half", async () => {
  const clock = clockOf(1);
  await assert.rejects(retrying(refuse("UNAVAILABLE"), retryOf({ attempts: 2, minDelayMs: 100 }), new Deadline(60_000, undefined, clock)));
  assert.deepEqual(clock.slept, [50]);
});

test("what the server asks to wait comes before the pause", async () => {
  const clock = clockOf();
  await assert.rejects(retrying(refuse("RESOURCE_EXHAUSTED", 700), retryOf({ attempts: 2, minDelayMs: 100 }), new Deadline(60_000, undefined, clock)));
  assert.deepEqual(clock.slept, [800]);
});

test("a pause that would pass the deadline is not begun", async () => {
  const clock = clockOf();
  await assert.rejects(retrying(refuse("RESOURCE_EXHAUSTED", 5000), retryOf({}), new Deadline(3000, undefined, clock)), { code: "RESOURCE_EXHAUSTED", retryDelayMs: 5000 });
  assert.deepEqual(clock.slept, []);
});

test("policies out of range are refused", () => {
  for (const [options, words] of [
    [{ attempts: 0 }, /attempts 0, expected a whole number from 1/],
    [{ minDelayMs: -1 }, /minDelayMs -1/],
    [{ minDelayMs: 10, maxDelayMs: 5 }, /maxDelayMs 5/],
  ] as const) assert.throws(() => retryOf(options), words);
  assert.throws(() => connect("localhost", { timeoutMs: 0 }), /timeoutMs 0, expected more than 0/);
});

test("a call is made again where the server says when", async () => {
  let calls = 0;
  const { client, done } = await serve({
    compare: () => {
      if (++calls < 3) throw failure(Code.ResourceExhausted, { reason: "QUEUE_FULL", retryMs: 1 });
      return score;
    },
  }, { retry: quick });
  assert.equal((await client.compare(picture, picture)).similarity, 0.75);
  assert.equal(calls, 3);
  await done();
});

test("a call is made again where the server is not there", async () => {
  let calls = 0;
  const { client, done } = await serve({
    compare: () => {
      if (++calls < 2) throw failure(Code.Unavailable, { reason: "NOT_READY" });
      return score;
    },
  }, { retry: quick });
  assert.equal((await client.compare(picture, picture)).same, true);
  assert.equal(calls, 2);
  await done();
});

test("tries end, and the last error is told with all its facts", async () => {
  let calls = 0;
  const { client, done } = await serve({
    compare: () => { calls++; throw failure(Code.ResourceExhausted, { reason: "QUEUE_FULL", retryMs: 2, message: "full" }); },
  }, { retry: quick });
  await assert.rejects(client.compare(picture, picture), (error) => {
    assert.ok(error instanceof SiameseError);
    assert.deepEqual([error.code, error.reason, error.message, error.metadata, error.retryDelayMs], ["RESOURCE_EXHAUSTED", "QUEUE_FULL", "full", { limit: "64" }, 2]);
    return true;
  });
  assert.equal(calls, 3);
  await done();
});

for (const [name, retry, error] of [
  ["a call at fault is not made again", quick, failure(Code.InvalidArgument, { reason: "IMAGE_EMPTY", field: "image_a" })],
  ["retry can be switched off", false, failure(Code.Unavailable)],
  ["being told too much without a time is no reason", quick, failure(Code.ResourceExhausted)],
] as const) {
  test(name, async () => {
    let calls = 0;
    const { client, done } = await serve({ compare: () => { calls++; throw error; } }, { retry });
    await assert.rejects(client.compare(picture, picture), SiameseError);
    assert.equal(calls, 1);
    await done();
  });
}

test("a signal ends a call and the wait for another try", async () => {
  const came = deferred();
  const { client, done } = await serve({
    compare: () => { came.resolve(); throw failure(Code.Unavailable); },
  }, { retry: { attempts: 9, minDelayMs: 60_000, maxDelayMs: 60_000 }, timeoutMs: 600_000 });
  const controller = new AbortController();
  const call = client.compare(picture, picture, { signal: controller.signal });
  await came.promise;
  controller.abort(new Error("enough"));
  await assert.rejects(call, { name: "SiameseError", code: "CANCELLED" });
  await assert.rejects(client.compare(picture, picture, { signal: controller.signal }), { code: "CANCELLED" });
  await done();
});

test("a deadline ends a call that is not answered", async () => {
  const end = deferred();
  const { client, done } = await serve({ compare: async () => { await end.promise; return score; } });
  await assert.rejects(client.compare(picture, picture, { timeoutMs: 20 }), { code: "DEADLINE_EXCEEDED" });
  end.resolve();
  await done();
});
