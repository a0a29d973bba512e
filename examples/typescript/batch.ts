// Compares 100 pairs: each picture of a folder with those after it.
// How to run: node batch.ts FOLDER [SERVER]

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { connect } from "siamese-client/node";

const [folder, server = "localhost:50051"] = process.argv.slice(2);
if (!folder) throw new Error("usage: node batch.ts FOLDER [SERVER]");

const found = await readdir(folder, { recursive: true, withFileTypes: true });
const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
const pairs = files.flatMap((a, at) => files.slice(at + 1).map((b): [string, string] => [a, b])).slice(0, 100);

const client = connect(server);
// More pairs than the server takes at once go in several calls.
const { results, encodedImages } = await client.batch(pairs, { model: "auto" });
client.close();

let failed = 0;
for (const [at, result] of results.entries()) {
  const names = pairs[at]?.map((path) => basename(path)).join(" ");
  if (result.error) { // a file that is no picture fails its own pairs alone
    failed++;
    console.log(`${names} ${result.error.reason}: ${result.error.message}`);
  } else if (result.same) {
    console.log(`${names} ${result.similarity.toFixed(4)}`);
  }
}
console.log(`${pairs.length} pairs, ${failed} failed, ${encodedImages} pictures encoded`);
