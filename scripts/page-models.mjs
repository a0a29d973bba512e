// What: makes the answers of a real server look like those of one that serves
//       several models, each of which tells what is foreign to it.
// How to run: by page-check.mjs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The contract's messages and how to read and write them, from what the page is made of. */
export async function contract(root, scratch) {
  const file = join(scratch, "contract.mjs");
  const made = spawnSync(join(root, ".tools/bin/esbuild"), ["--bundle", "--format=esm", "--platform=node", `--outfile=${file}`, "--log-level=warning"], {
    cwd: join(root, "client/typescript"), encoding: "utf8",
    input: `export { create, fromBinary, toBinary } from "@bufbuild/protobuf";
      export { FamiliaritySchema, ModelReferenceSchema, SiameseService } from "./src/proto";`,
  });
  assert.equal(made.status, 0, made.stderr);
  return import(pathToFileURL(file).href);
}

/**
 * Two models that give the scores of the real "omniglot": drawings are foreign to "general",
 * "auto" has "omniglot" answer. asked lists the calls as "method model"; once lost is
 * set "omniglot" alone is served.
 */
export async function serveSeveral(page, { create, fromBinary, toBinary, SiameseService, FamiliaritySchema, ModelReferenceSchema }) {
  const several = { asked: [], lost: false };
  const reference = (name) => create(ModelReferenceSchema, { name: `siamese-${name}`, version: "1", digest: `digest of ${name}` });
  const told = (model) => create(FamiliaritySchema, model === "general" ? { value: 0, foreign: true } : { value: 0.5, foreign: false });
  const warning = (model, what) => model === "general" ? `${what} is foreign to general, which knows photographs: the similarity means little.` : "";
  let real; // the real model's reference

  /** Has a call answered by the real server and its messages changed on both ways. */
  const change = (name, request, answer) => page.route(`**/${name[0].toUpperCase()}${name.slice(1)}`, async (route) => {
    const { input, output } = SiameseService.method[name];
    const sent = fromBinary(input, route.request().postDataBuffer() ?? new Uint8Array());
    const model = sent.options?.model ?? sent.model;
    several.asked.push(`${name} ${model}`);
    assert.ok(["auto", "general", "omniglot", ""].includes(model), `asked for model ${model}`);
    const by = model === "general" ? "general" : "omniglot";
    (sent.options ?? sent).model = several.lost && by === "general" ? "lost" : "omniglot";
    request(sent, by);
    const response = await route.fetch({ postData: Buffer.from(toBinary(input, sent)) });
    if (!response.ok()) return route.fulfill({ response });
    const body = fromBinary(output, await response.body());
    answer(body, by, model);
    return route.fulfill({ response, body: Buffer.from(toBinary(output, body)) });
  });

  await change("getServerInfo", () => undefined, (info) => {
    real = info.model.reference;
    const general = { ...info.model, reference: reference("general"), servingName: "general", title: "Pictures", knows: "Photographs of things and places, and edited copies of one picture.", threshold: 0.5, familiarityBound: 0.02 };
    const omniglot = { ...info.model, reference: reference("omniglot"), servingName: "omniglot", title: "Handwriting", knows: "Single characters of many alphabets, drawn by hand.", familiarityBound: 0.02 };
    if (several.lost) Object.assign(info, { models: [omniglot], model: omniglot, defaultModel: "omniglot", autoModels: [] });
    else Object.assign(info, { models: [general, omniglot], model: general, defaultModel: "auto", autoModels: ["general", "omniglot"] });
  });
  await change("compare", () => undefined, (reply, by) => Object.assign(reply, {
    model: reference(by), familiarityA: told(by), familiarityB: told(by), warning: warning(by, "The first picture"),
  }));
  await change("embed", () => undefined, (reply, by) => {
    reply.model = reference(by);
    for (const result of reply.results) {
      if (result.outcome.case === "embedding") result.outcome.value.modelDigest = reference(by).digest;
      Object.assign(result, { familiarity: told(by), warning: warning(by, "The picture") });
    }
  });
  await change("rank", (sent, by) => {
    for (const { source } of sent.candidates) {
      if (source.case !== "embedding") continue;
      assert.equal(source.value.modelDigest, reference(by).digest, "the model that made the embedding of a call");
      source.value.modelDigest = real.digest;
    }
  }, (reply, by, model) => {
    Object.assign(reply, { model: reference(model === "auto" ? "general" : by), familiarity: told(by), warning: warning(by, "The picture to look for") });
    for (const ranked of reply.ranked) {
      Object.assign(ranked, { familiarity: told(by), warning: warning(by, "The candidate") });
      if (model === "auto") ranked.model = reference(by);
    }
  });
  await page.reload();
  return several;
}
