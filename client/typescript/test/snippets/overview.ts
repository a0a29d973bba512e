import { readFileSync } from "node:fs";
import { connect, SiameseError } from "siamese-client/node";

const client = connect("https://images.example.org:50051", {
  tls: { ca: readFileSync("ca.pem"), cert: readFileSync("me.pem"), key: readFileSync("me.key") },
  token: () => readFileSync("token", "utf8").trim(), // asked for each call
  timeoutMs: 20_000, // of calls that set none
  retry: { attempts: 6 }, // or false
});

const { limits, models } = await client.info();
console.log(await client.health(), limits.maxPairs, models.map((model) => model.servingName));

// A path, bytes, a Blob, pixels, or an embedding.
const { results: [first] } = await client.embed(["cat.jpg"], { model: "general" });
if (!first || first.error) throw first?.error;
const pixels = { width: 640, height: 480, format: "rgb8", data: new Uint8Array(640 * 480 * 3) } as const;
const { matches, failed } = await client.rank(first.embedding, ["dog.jpg", pixels, readFileSync("copy.png")], {
  topK: 10, minSimilarity: 0.2, threshold: 0.6, model: "general", signal: AbortSignal.timeout(5000),
});
for (const { index, similarity, same } of matches) console.log(index, similarity, same);
for (const [index, error] of failed) console.log(index, error.reason, error.field);

try {
  await client.compare("cat.jpg", "cat.jpg", { threshold: 2 });
} catch (error) {
  if (!(error instanceof SiameseError)) throw error;
  console.log(error.code, error.reason, error.field); // INVALID_ARGUMENT THRESHOLD_RANGE options.threshold
  console.log(error.message, error.metadata, error.retryDelayMs);
}
client.close();
