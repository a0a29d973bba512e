// Says how alike two pictures are.
// How to run: node compare.ts FIRST SECOND [SERVER]

import { connect, SiameseError } from "siamese-client/node";

const [first, second, server = "localhost:50051"] = process.argv.slice(2);
if (!first || !second) throw new Error("usage: node compare.ts FIRST SECOND [SERVER]");

const client = connect(server);
try {
  const { similarity, same, threshold, model, warning } = await client.compare(first, second, { timeoutMs: 30_000 });
  console.log(`${similarity.toFixed(4)}: ${same ? "same" : "different"} (threshold ${threshold.toFixed(2)}, ${model.name})`);
  if (warning) console.log(warning);
} catch (error) {
  if (!(error instanceof SiameseError)) throw error;
  console.error(`${error.code} ${error.reason} ${error.field}: ${error.message}`);
  process.exitCode = 1;
} finally {
  client.close();
}
