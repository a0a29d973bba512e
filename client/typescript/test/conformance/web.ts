// What: answers the cases of testdata/conformance by siamese-client/web in Chromium, on a page
//       of the server's own origin.
// How to run: client/typescript/conformance-web.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openPage } from "../browser.js";
import type { Case } from "./cases.js";

const [, address = "", file = ""] = process.argv.slice(2);
const cases = JSON.parse(await readFile(file, "utf8")) as Case[];
const { page, close } = await openPage(`http://${address}`, true);
try {
  await page.exposeFunction("load", async (path: string) => (await readFile(join(dirname(file), path))).toString("base64"));
  await page.exposeFunction("told", (line: string) => console.log(line));
  await page.evaluate(`(async (cases) => {
    const { connect } = await import("siamese-client/web");
    const { run } = await import("conformance");
    const client = connect(location.origin);
    const load = async (path) => Uint8Array.from(atob(await window.load(path)), (letter) => letter.charCodeAt(0));
    for (const one of cases) {
      await window.told(JSON.stringify(await run(one, { client, load, noStreams: "browsers have no stream of messages to a server" })));
    }
  })(${JSON.stringify(cases)})`);
} finally {
  await close();
}
