// What: checks that the page moves a gallery to another model, and says what must be sent again.
// How to run: by page-check.mjs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** Has a server answer one of the calls of galleries. */
async function call(url, name, body) {
  const answer = await fetch(`${url}siamese.v1.GalleryService/${name}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${name}: ${await answer.clone().text()}`);
  return answer.json();
}

/** Makes two galleries of the model of a server; of one the files are kept. */
export async function keepTwo(url, drawings) {
  for (const [gallery, keepPictures] of [["files", true], ["none", false]]) {
    await call(url, "CreateGallery", { gallery, keepPictures });
    const entries = drawings.map((path, number) => ({ id: `drawing ${number + 1}.png`, image: { encoded: readFileSync(path).toString("base64") } }));
    const { results } = await call(url, "BatchEnroll", { gallery, entries });
    assert.ok(results.every(({ error }) => !error), JSON.stringify(results));
  }
}

/** A server that lacks the galleries' model has the page offer to move them to its own. */
export async function galleryMoves(page, url, { shot }, drawings) {
  await page.getByRole("tab", { name: "Search" }).click();
  const panel = page.getByRole("tabpanel", { name: "Search" });
  const choice = panel.getByLabel("Gallery", { exact: true });
  const reindex = panel.getByRole("button", { name: "Reindex" });
  await choice.selectOption("files");
  await panel.getByText("The gallery is of a model that the server lacks, “omniglot”, so nothing is found in it. Reindex it for “Pictures”: pictures whose files it keeps are encoded again").waitFor();
  await shot(page, "reindex-offer");
  await reindex.click();
  await panel.getByText(`${drawings.length} of ${drawings.length} pictures are of “Pictures”.`).waitFor();
  await panel.getByText(`${drawings.length} pictures · Answered by “Pictures”`).waitFor();
  assert.ok(await reindex.isHidden(), "what is done is still offered");
  await choice.selectOption("none");
  assert.equal(await panel.getByText("pictures are of “Pictures”").count(), 0, "what became of another gallery");
  await panel.getByText("it keeps no files, so you keep all pictures once more after that").waitFor();
  await reindex.click();
  await panel.getByText(`0 of ${drawings.length} pictures are of “Pictures”. The gallery keeps no file of ${drawings.length}: keep them once more, by the same names.`).waitFor();
  await panel.getByText(`${drawings.length} have to be kept once more`).click();
  for (const number of drawings.keys()) await panel.getByRole("list", { name: "Problems" }).getByText(`drawing ${number + 1}.png`).waitFor();
  await panel.getByText(`${drawings.length} of another model, which can't be found: keep them once more`).waitFor();
  assert.ok(await reindex.isHidden(), "what has no pictures can be encoded again");
  await shot(page, "reindex-missing");
  const { galleries } = await call(url, "ListGalleries", {});
  assert.deepEqual(galleries.map(({ name, model, staleEntries }) => [name, model, Number(staleEntries ?? 0)]), [["files", "general", 0], ["none", "general", drawings.length]]);
}
