// What: answers the cases of testdata/conformance by siamese-client/node.
// How to run: client/typescript/conformance.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { connect } from "siamese-client/node";
import { run, type Case } from "./cases.js";

const [address = "", , file = ""] = process.argv.slice(2);
const client = connect(address);
for (const one of JSON.parse(await readFile(file, "utf8")) as Case[]) {
  console.log(JSON.stringify(await run(one, { client, load: (path) => readFile(join(dirname(file), path)) })));
}
client.close();
