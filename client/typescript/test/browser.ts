// Chromium on a page whose modules are the package's own files, as an import map finds them.

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { root } from "./server.js";

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const require = createRequire(join(root, "web/"));

/** Why tests of a browser are left out, or false. */
export const skipBrowser: string | false = !existsSync(chromium) ? `there is no Chromium at ${chromium}: install it or set CHROMIUM`
  : !existsSync(join(root, "web/node_modules/playwright-core")) ? "playwright-core is missing: npm ci --prefix web" : false;

/** As much of playwright-core's types as is used; the package is not among this one's. */
interface Page {
  goto(url: string): Promise<unknown>;
  setInputFiles(selector: string, path: string): Promise<void>;
  waitForSelector(selector: string): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
  exposeFunction(name: string, body: (argument: string) => unknown): Promise<void>;
  route(pattern: string, handler: (route: Route) => Promise<void>): Promise<void>;
}
interface Route {
  request(): { url(): string };
  fulfill(answer: { status: number; contentType?: string; body?: Buffer | string }): Promise<void>;
}
interface Browser { newPage(): Promise<Page>; close(): Promise<void> }

/** The folder of the pages' files under an origin; nothing of the server's is there. */
const folder = "/siamese-client-files/";
const kinds: Record<string, string> = { ".js": "text/javascript", ".html": "text/html" };

/** Where modules are, as a bundler would find them by the packages' exports. */
export const importMap: Record<string, string> = {
  "siamese-client/web": "dist/web.js", "conformance": "build/test/conformance/cases.js",
  "@connectrpc/connect": "node_modules/@connectrpc/connect/dist/esm/index.js",
  "@connectrpc/connect-web": "node_modules/@connectrpc/connect-web/dist/esm/index.js",
  ...Object.fromEntries(["protocol", "protocol-connect", "protocol-grpc-web"].map((name) => [`@connectrpc/connect/${name}`, `node_modules/@connectrpc/connect/dist/esm/${name}/index.js`])),
  "@bufbuild/protobuf": "node_modules/@bufbuild/protobuf/dist/esm/index.js",
  ...Object.fromEntries(["codegenv2", "reflect", "wire", "wkt"].map((name) => [`@bufbuild/protobuf/${name}`, `node_modules/@bufbuild/protobuf/dist/esm/${name}/index.js`])),
};

/** A file of the pages by its path under an origin; page.html is an empty page with the import map. */
function fileAt(path: string): { status: number; contentType: string; body: Buffer | string } {
  const name = normalize(decodeURIComponent(path.slice(folder.length)));
  const file = join(root, "client/typescript", name);
  if (name === "page.html") {
    const imports = Object.fromEntries(Object.entries(importMap).map(([module, place]) => [module, folder + place]));
    return { status: 200, contentType: "text/html", body: `<!doctype html><title>siamese-client</title><script type="importmap">${JSON.stringify({ imports })}</script>` };
  }
  if (!path.startsWith(folder) || name.startsWith("..") || !existsSync(file)) return { status: 404, contentType: "text/plain", body: `no file ${path}` };
  return { status: 200, contentType: kinds[extname(file)] ?? "application/octet-stream", body: readFileSync(file) };
}

/** Serves the pages' files at an origin of their own. */
export async function servePages(): Promise<{ origin: string; close: () => void }> {
  const server = createServer((request, answer) => {
    const { status, contentType, body } = fileAt(request.url ?? "");
    answer.writeHead(status, { "Content-Type": contentType }).end(body);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => { server.close(); } };
}

/**
 * Opens an empty page of an origin, on which the package's modules can be imported. isTheirs:
 * the origin is a server that has none of the files, which are put before it.
 */
export async function openPage(origin: string, isTheirs: boolean): Promise<{ page: Page; close: () => Promise<void> }> {
  const { page, close } = await launch();
  if (isTheirs) await page.route(`${origin}${folder}**`, (route) => route.fulfill(fileAt(new URL(route.request().url()).pathname)));
  await page.goto(`${origin}${folder}page.html`);
  return { page, close };
}

/** Opens a page in a browser of its own. */
export async function launch(): Promise<{ page: Page; close: () => Promise<void> }> {
  const { chromium: browsers } = require("playwright-core") as { chromium: { launch(options: object): Promise<Browser> } };
  const browser = await browsers.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  return { page: await browser.newPage(), close: () => browser.close() };
}
