// The packed package in a fresh folder, as a user has it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { test } from "node:test";
import { launch, skipBrowser } from "./browser.js";
import { photo, root, scratch, Server, skip } from "./server.js";

const tarball = process.env.SIAMESE_TARBALL ?? "";
const without = skip || (!tarball && "SIAMESE_TARBALL names no package: 'make client-typescript' makes one");
const examples = join(root, "examples/typescript");

/** Whether this Node runs TypeScript as it is. */
const strips = Boolean((process.features as { typescript?: string | false }).typescript);

/** Runs a command to its end; fails where it does. */
function run(folder: string, command: string, args: string[], status = 0): string {
  const ran = spawnSync(command, args, { cwd: folder, encoding: "utf8", timeout: 120_000 });
  assert.equal(ran.status, status, `${command} ${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

/** A folder with the examples and the package installed from its tarball; the examples are compiled where this Node asks for that. */
function install(folder: string): (name: string) => string[] {
  for (const name of readdirSync(examples).filter((name) => /\.(ts|html)$/.test(name))) copyFileSync(join(examples, name), join(folder, name));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  run(folder, "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", tarball]);
  copyFileSync(join(examples, "tsconfig.json"), join(folder, "tsconfig.json"));
  const types = join(root, "client/typescript/node_modules");
  run(folder, join(types, ".bin/tsc"), ["-p", ".", "--typeRoots", join(types, "@types"), "--outDir", "compiled"]);
  return (name) => [strips ? `${name}.ts` : `compiled/${name}.js`];
}

test("the package installed in a fresh folder", { skip: without, timeout: 300_000 }, async (context) => {
  const folder = scratch(context);
  const program = install(folder);
  const installed = join(folder, "node_modules/siamese-client");
  for (const file of ["LICENSE", "README.md", "dist/node.js", "dist/node.d.ts", "dist/web.d.ts"]) assert.ok(existsSync(join(installed, file)), file);
  for (const file of ["test", "src", "build"]) assert.ok(!existsSync(join(installed, file)), file);
  const server = await Server.start([`--galleries=${scratch(context)}`]);
  try {
    await context.test("compares", () => {
      const told = run(folder, process.execPath, [...program("compare"), photo("cat.jpg"), photo("cat_copy.jpg"), server.address]);
      assert.match(told, /^(0\.9999|1\.0000): same \(threshold 0\.50, siamese-general\)/);
      run(folder, process.execPath, [...program("compare"), photo("cat.jpg"), join(root, "LICENSE"), server.address], 1);
    });
    await context.test("compares 100 pairs", () => {
      mkdirSync(join(folder, "pictures"));
      const pictures = readdirSync(join(root, "testdata/photos")).filter((name) => /\.(jpg|webp|png)$/.test(name)).sort();
      assert.ok(pictures.length >= 13, "too few photographs for 100 pairs");
      for (const name of pictures.slice(0, 20)) copyFileSync(photo(name), join(folder, "pictures", name));
      for (const name of ["a_broken.jpg", "z_broken.jpg"]) writeFileSync(join(folder, "pictures", name), "no picture");
      const told = run(folder, process.execPath, [...program("batch"), "pictures", server.address]);
      assert.match(told, /^cat\.jpg cat_copy\.jpg (0\.9999|1\.0000)$/m);
      assert.match(told, /^a_broken\.jpg .* IMAGE_FORMAT_UNKNOWN: /m);
      assert.match(told, /^100 pairs, \d+ failed, \d+ pictures encoded$/m);
    });
    await context.test("keeps a gallery and identifies a picture", () => {
      const gallery = () => run(folder, process.execPath, [...program("gallery"), "pictures", photo("cat_copy.jpg"), server.address]);
      assert.match(gallery(), /^[1-9]\d* added, 0 there already\n(.* IMAGE_FORMAT_UNKNOWN: .*\n){2}cat(_copy)?\.jpg (0\.9999|1\.0000) same$/m);
      assert.match(gallery(), /^0 added, [1-9]\d* there already$/m);
    });
    await context.test("streams, with errors", () => {
      const told = run(folder, process.execPath, [...program("stream"), photo("cat.jpg"), "pictures", server.address]);
      assert.match(told, /^a_broken\.jpg IMAGE_FORMAT_UNKNOWN: /m);
      assert.match(told, /^cat_copy\.jpg (0\.9999|1\.0000) same$/m);
      assert.match(told, new RegExp(`^${readdirSync(join(folder, "pictures")).length} frames, [1-9]\\d* failed$`, "m"));
    });
  } finally {
    await server.stop();
  }
  await context.test("compares on a page", { skip: skipBrowser }, () => onPage(folder));
});

/** Serves the folder as a user's web server would, and chooses two files on its page. */
async function onPage(folder: string): Promise<void> {
  const kinds: Record<string, string> = { ".js": "text/javascript", ".html": "text/html" };
  const pages = createServer((request, answer) => {
    const file = join(folder, new URL(request.url ?? "", "http://localhost").pathname);
    if (existsSync(file)) answer.writeHead(200, { "Content-Type": kinds[extname(file)] ?? "" }).end(readFileSync(file));
    else answer.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => pages.once("listening", resolve));
  const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  const server = await Server.start([`--cors-origin=${origin}`]);
  const { page, close } = await launch();
  try {
    await page.goto(`${origin}/browser.html?server=${server.url}`);
    await page.setInputFiles("#first", photo("cat.jpg"));
    await page.setInputFiles("#second", photo("cat_copy.jpg"));
    await page.waitForSelector("#answer:text-matches('^(0\\\\.9999|1\\\\.0000): same$')");
    await page.setInputFiles("#second", join(root, "LICENSE"));
    await page.waitForSelector("#answer:text-matches('^INVALID_ARGUMENT IMAGE_FORMAT_UNKNOWN: image_b')");
  } finally {
    await close();
    await server.stop();
    pages.close();
  }
}
