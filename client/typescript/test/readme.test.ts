import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./server.js";

/** What README shows, in its order. */
const shown = [
  "client/typescript/test/snippets/overview.ts", "examples/typescript/compare.ts", "examples/typescript/batch.ts",
  "examples/typescript/stream.ts", "examples/typescript/gallery.ts", "examples/typescript/browser.html",
];

test("README shows the examples as they are", () => {
  const text = readFileSync(join(root, "client/typescript/README.md"), "utf8");
  const blocks = [...text.matchAll(/^```(?:ts|html)\n([^]*?)^```$/gm)].map(([, block]) => block);
  assert.equal(blocks.length, shown.length);
  for (const [at, path] of shown.entries()) assert.equal(blocks[at], readFileSync(join(root, path), "utf8"), path);
});

test("README and examples name the package's version", () => {
  const { version } = JSON.parse(readFileSync(join(root, "client/typescript/package.json"), "utf8")) as { version: string };
  const examples = JSON.parse(readFileSync(join(root, "examples/typescript/package.json"), "utf8")) as { dependencies: Record<string, string> };
  assert.equal(examples.dependencies["siamese-client"], version);
  assert.match(readFileSync(join(root, "client/typescript/README.md"), "utf8"), new RegExp(`siamese-client-${version.replaceAll(".", "\\.")}\\.tgz`));
});
