// What: checks of the page's tab for galleries: making one, keeping pictures, finding what a
//       picture shows, doubles of a folder and within a gallery; rights that are missing.
// How to run: by page-check.mjs.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drop, oddFolder } from "./page-files.mjs";

const panel = (page) => page.getByRole("tabpanel", { name: "Search" });
const zone = (page, label) => page.getByRole("group", { name: label, exact: true });
const list = (page, name) => page.getByRole("list", { name, exact: true });

/** Opens the tab, and makes a gallery there by the keyboard. */
async function make(page, name) {
  await page.getByRole("tab", { name: "Search" }).click();
  const form = panel(page).getByRole("form", { name: "New gallery" });
  await form.or(panel(page).getByRole("button", { name: "New gallery" })).first().waitFor();
  if (await form.isHidden()) await panel(page).getByRole("button", { name: "New gallery" }).click();
  await form.getByLabel("Name").fill(name);
  await page.keyboard.press("Enter");
  await panel(page).getByText(`0 pictures · Answered by “Handwriting” · keeps thumbnails`).waitFor();
  assert.equal(await panel(page).getByLabel("Gallery", { exact: true }).inputValue(), name);
}

/** The names of the server's galleries. */
function galleries(page) {
  return page.evaluate(async () => {
    const answer = await fetch("siamese.v1.GalleryService/ListGalleries", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    return ((await answer.json()).galleries ?? []).map(({ name }) => name);
  });
}

/** Waits until all pictures of a list are there, and returns how many. */
async function seen(pictures, count) {
  await pictures.nth(count - 1).waitFor();
  await pictures.page().waitForFunction((all) => all.every((img) => img.complete && img.naturalWidth > 0), await pictures.elementHandles());
  return pictures.count();
}

/** Pastes a picture, with the focus nowhere. */
function paste(page, path) {
  return page.evaluate((base64) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], "image.png"));
    document.activeElement?.blur();
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
  }, readFileSync(path).toString("base64"));
}

/** What goes on in one tab after another: keeping, finding, removing, doubles. */
export async function galleryWorks(page, { scratch, drawings: [a, b, c], same, input, shot }) {
  page.on("dialog", (dialog) => void dialog.accept());
  await make(page, "letters");
  await input(page, "Picture to find").setInputFiles(a);
  await panel(page).getByText("The gallery holds no pictures yet.").waitFor();
  const folder = join(scratch, "kept pictures");
  const pictures = oddFolder(folder, [a, b, c]);
  await drop(page, zone(page, "Pictures to keep").locator(".stage"), [folder]);
  await panel(page).getByText(`letters: ${pictures} added.`).waitFor();
  await panel(page).getByText("4 can't be kept").click();
  for (const words of ["kept pictures/notes.txt is no picture", "kept pictures/empty.png is empty.", "kept pictures/damaged.png: The picture is damaged."]) await list(page, "Problems").getByText(words).waitFor();
  await panel(page).getByText(`Best among ${pictures} pictures: kept pictures/`).waitFor();
  const things = list(page, "Best things");
  assert.equal(await seen(things.locator("img"), 10), 10, "thumbnails");
  await shot(page, "search");
  await paste(page, c);
  await panel(page).getByText(`Best among ${pictures} pictures: kept pictures/<img src=x`).waitFor();
  await input(page, "Picture to find").setInputFiles(a);
  await panel(page).getByText(`Best among ${pictures} pictures: kept pictures/=cmd`).waitFor();
  await panel(page).getByRole("button", { name: "Show more" }).click();
  assert.equal(await seen(things.locator("img"), pictures), pictures, "things");
  await things.getByText(same).first().waitFor(); // what Compare says of the same two
  assert.ok(await things.getByText("kept pictures/two lines.png").isVisible(), "a name without its line's end");
  await things.getByRole("button", { name: "Remove kept pictures/a.png from the gallery" }).click();
  await panel(page).getByText(`Best among ${pictures - 1} pictures`).waitFor();
  assert.equal(await things.getByText("kept pictures/a.png").count(), 0, "a picture that was removed is found");
  await drop(page, zone(page, "Pictures to keep").locator(".stage"), [folder]);
  await panel(page).getByText(`letters: 1 added, ${pictures - 1} there already.`).waitFor();
  await panel(page).getByRole("button", { name: "Find doubles in the gallery" }).click();
  await panel(page).getByText(`2 groups of ${pictures} pictures among ${pictures}, by “Handwriting”.`).waitFor();
  await panel(page).getByRole("button", { name: "Delete the gallery" }).click();
  await panel(page).getByText("There is no gallery yet.").waitFor();
  assert.equal(await list(page, "Doubles").count(), 0, "doubles of a gallery that is deleted");
  assert.deepEqual(await galleries(page), []);
}

/** Hundreds are kept call by call; cancelling and a server that goes lose none. */
export async function manyAreKept(page, { scratch, drawings: [, , c], server, shot }) {
  const folder = join(scratch, "hundreds");
  mkdirSync(folder);
  for (let number = 0; number < 200; number++) writeFileSync(join(folder, `${number}.png`), readFileSync(c));
  const calls = [];
  await page.route("**/BatchEnroll", async (route) => { calls.push(route.request().postDataBuffer()?.length ?? 0); await route.continue(); });
  page.on("dialog", (dialog) => void dialog.accept());
  await make(page, "many");
  await zone(page, "Pictures to keep").locator("input[webkitdirectory]").setInputFiles(folder);
  await panel(page).getByText(/^(16|32|48|64|80|96) of 200$/).waitFor();
  assert.ok(await panel(page).getByLabel("Gallery", { exact: true }).isDisabled(), "another gallery can be chosen meanwhile");
  await panel(page).getByRole("button", { name: "Cancel" }).first().click();
  await panel(page).getByText(/ are still to be kept\./).waitFor();
  assert.ok(await panel(page).getByRole("progressbar").first().isHidden(), "the progress is left");
  await server.stop();
  await panel(page).getByRole("button", { name: "Go on" }).click();
  await panel(page).getByText("This goes on when the server answers again.").first().waitFor();
  await shot(page, "search-gone");
  await server.start();
  await panel(page).getByText("200 pictures · Answered by").waitFor();
  assert.ok(calls.length >= 13 && Math.max(...calls) < 1e6, `200 pictures in ${calls.length} calls of up to ${Math.max(...calls)} bytes, want at least 13 of 16`);
  await panel(page).getByRole("button", { name: "Delete the gallery" }).click();
  await panel(page).getByText("There is no gallery yet.").waitFor();
}

/** Doubles of a folder, side by side; the server keeps nothing of it. */
export async function doublesOfFolder(page, { scratch, photos, shot }) {
  const folder = join(scratch, "doubles");
  mkdirSync(join(folder, "more"), { recursive: true });
  const files = { "cat.jpg": "cat.jpg", "more/cat.jpg": "cat_copy.jpg", "rocket.jpg": "rocket.jpg", "more/cat again.jpg": "cat.jpg", "coffee.jpg": "coffee.jpg" };
  for (const [name, photo] of Object.entries(files)) writeFileSync(join(folder, name), readFileSync(join(photos, photo)));
  writeFileSync(join(folder, "notes.txt"), "not a picture");
  await page.getByLabel("Model", { exact: true }).selectOption("general");
  await page.getByRole("tab", { name: "Search" }).click();
  await drop(page, zone(page, "Folder to look through").locator(".stage"), [folder]);
  await panel(page).getByText("1 group of 3 pictures among 5, by “Pictures”.").waitFor();
  await panel(page).getByText("1 can't be compared").waitFor();
  const group = list(page, "Doubles").getByRole("list", { name: "Group 1" });
  assert.deepEqual((await group.locator(".name").allInnerTexts()).sort(), ["doubles/cat.jpg", "doubles/more/cat again.jpg", "doubles/more/cat.jpg"]);
  assert.equal(await seen(group.locator("img"), 3), 3, "pictures of the group");
  await shot(page, "doubles");
  await panel(page).getByLabel("Alike from similarity").fill("1.5");
  await page.keyboard.press("Tab");
  await panel(page).getByRole("alert").getByText(/1\.5/).waitFor();
  await panel(page).getByLabel("Alike from similarity").fill("0");
  await page.keyboard.press("Tab");
  await panel(page).getByText("1 group of 5 pictures among 5").waitFor();
  assert.equal((await galleries(page)).length, 1, "galleries while it is shown");
  await panel(page).getByRole("button", { name: "Clear" }).click();
  assert.equal(await list(page, "Doubles").count(), 0);
  await eventually(page, 0);
  await drop(page, zone(page, "Folder to look through").locator(".stage"), [folder]);
  await panel(page).getByText("1 group of 5 pictures among 5").waitFor();
  await page.reload(); // leaves the page
  await page.getByText("Ready: ").waitFor();
  await eventually(page, 0);
}

/** Waits until the server has so many galleries. */
async function eventually(page, count) {
  for (;;) if ((await galleries(page)).length === count) return;
}

/** How it looks in another light and width. */
export async function looks(page, { drawings: [a, b, c], input, shot }, name) {
  page.on("dialog", (dialog) => void dialog.accept());
  await make(page, "looks");
  await shot(page, `search-empty-${name}`);
  await input(page, "Pictures to keep").setInputFiles([b, c]);
  await panel(page).getByText("looks: 2 added.").waitFor();
  await input(page, "Picture to find").setInputFiles(a);
  await panel(page).getByText("Best among 2 pictures: 0394_02.png").waitFor();
  await panel(page).getByLabel("Alike from similarity").fill("0");
  await panel(page).getByRole("button", { name: "Find doubles in the gallery" }).click();
  await seen(list(page, "Doubles").locator("img"), 2);
  await shot(page, `search-${name}`);
  await panel(page).getByRole("button", { name: "Delete the gallery" }).click();
  await panel(page).getByText("There is no gallery yet.").waitFor();
}
