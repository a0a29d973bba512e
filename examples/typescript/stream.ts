// Holds frames against a reference as they come; bad frames are told of, and nothing ends by them.
// How to run: node stream.ts REFERENCE FOLDER [SERVER]

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "siamese-client/node";

const [reference, folder, server = "localhost:50051"] = process.argv.slice(2);
if (!reference || !folder) throw new Error("usage: node stream.ts REFERENCE FOLDER [SERVER]");

const names = (await readdir(folder)).sort();

/** Stands for a camera: it is asked for a frame when there is room for one. */
async function* frames(folder: string): AsyncGenerator<string> {
  for (const name of names) yield join(folder, name);
}

const client = connect(server);
let failed = 0;
for await (const answer of client.stream(frames(folder), { references: { reference }, window: 2 })) {
  switch (answer.kind) {
    case "opened":
      console.log(`${answer.model.name}, up to ${answer.window} frames at a time`);
      break;
    case "frame":
      for (const { similarity, same } of answer.scores) console.log(`${names[answer.id]} ${similarity.toFixed(4)} ${same ? "same" : "different"}`);
      break;
    case "failed":
      failed++;
      console.log(`${answer.id === undefined ? answer.reference : names[answer.id]} ${answer.error.reason}: ${answer.error.message}`);
      break;
    case "draining":
      console.log("the server is about to stop; the stream goes on with the next one");
  }
}
client.close();
console.log(`${names.length} frames, ${failed} failed`);
