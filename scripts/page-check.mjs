// What: drives the page in a real Chromium against a real server, as a person
//       would: compare, rank, galleries, live, samples, folders, large photographs, models,
//       errors, tokens, limits, keyboard, phone, dark.
// How to run: node scripts/page-check.mjs bin/siamese [FOLDER FOR SCREENSHOTS]
//       It needs playwright-core under web/node_modules, .tools/bin/esbuild and a Chromium
//       (CHROMIUM names it; default /usr/bin/chromium). Without one it says so
//       and passes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { drop, oddFolder, photograph, readTable } from "./page-files.mjs";
import { doublesOfFolder, galleryWorks, looks, manyAreKept } from "./page-gallery.mjs";
import { contract, serveSeveral } from "./page-models.mjs";
import { galleryMoves, keepTwo } from "./page-reindex.mjs";
import { ServerProcess } from "./page-server.mjs";

const root = resolve(import.meta.dirname, "..");
const [program, shots] = process.argv.slice(2);
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!program) throw new Error("usage: node scripts/page-check.mjs PROGRAM [FOLDER]");
if (!existsSync(chromium)) {
  console.log(`page-check: skipped, there is no Chromium at ${chromium}: install it or set CHROMIUM`);
  process.exit(0);
}
const { chromium: browsers } = createRequire(join(root, "web/"))("playwright-core");
const glyph = (name) => join(root, "testdata/omniglot/Greek", name);
const [a, b, c] = ["character01/0394_01.png", "character01/0394_02.png", "character02/0395_01.png"].map(glyph);
const card = JSON.parse(readFileSync(join(root, "tfmodel/builtin/omniglot.json")));
// What the card says of a with b, of one class, and with c, of another.
const [same, different] = card.golden_pairs.map((pair) => pair.similarity.toFixed(4));
const scratch = mkdtempSync(join(tmpdir(), "page-check-"));
if (shots) mkdirSync(shots, { recursive: true });

const server = new ServerProcess(resolve(program), ["--galleries", join(scratch, "galleries")]);
const url = await server.start();
let passed = 0;
let failed = 0;

/** Opens the page of a server that is ready, and checks one thing. */
function check(name, body, context, args) {
  return visit(url, name, async (page) => {
    await ready(page);
    await body(page);
  }, context, args);
}

/** Waits for the server and chooses the model of the drawings, where there is a choice. */
async function ready(page) {
  await page.getByText("Ready: ").waitFor();
  const choice = page.getByLabel("Model", { exact: true });
  if (await choice.isVisible()) await choice.selectOption("omniglot");
  await page.getByText("Ready: siamese-omniglot").waitFor();
}

/** Opens a page in a browser of its own and checks one thing. */
async function visit(url, name, body, context = {}, args = []) {
  const browser = await browsers.launch({ executablePath: chromium, args: ["--no-sandbox", ...args] });
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 900 }, ...context })).newPage();
  page.setDefaultTimeout(60_000); // also where the machine has other work
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => { if (message.text().includes("Content Security Policy")) faults.push(message.text()); });
  try {
    await page.goto(url);
    await body(page);
    assert.deepEqual(faults, [], "errors of the page");
    const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(width <= 0, `the page is ${width} pixels wider than the window`);
    passed++;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error.message}`);
    if (shots) await page.screenshot({ path: join(shots, `failed-${name.replaceAll(/\W+/g, "-")}.png`), fullPage: true });
  } finally {
    await page.unrouteAll({ behavior: "ignoreErrors" }); // a live view calls to the end
    await browser.close();
  }
}

/** Checks what a person sees as it is: buttons of one line, bars that can be compared. */
async function looksRight(page) {
  const { wrapped, bars } = await page.evaluate(() => {
    const seen = (all) => [...document.querySelectorAll(all)].filter((one) => one.offsetParent);
    const lines = (button) => {
      const range = document.createRange();
      range.selectNodeContents(button);
      return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
    };
    const ends = (meter) => { const { left, right } = meter.getBoundingClientRect(); return `${Math.round(left)} to ${Math.round(right)}`; };
    return {
      wrapped: seen("button").filter((button) => lines(button) > 1).map((button) => button.textContent),
      bars: seen("ol, ul").map((list) => new Set([...list.querySelectorAll(".meter")].map(ends)).size),
    };
  });
  assert.deepEqual(wrapped, [], "buttons whose words wrap");
  assert.ok(bars.every((lengths) => lengths <= 1), `bars of one list begin and end at ${bars} places`);
}

async function shot(page, name) {
  await looksRight(page);
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

const input = (page, label) => page.getByRole("group", { name: label, exact: true }).locator("input[type=file]:not([webkitdirectory])");
const result = (page) => page.getByRole("region", { name: "Result" });

async function compare(page, first = a, second = b) {
  await input(page, "First picture").setInputFiles(first);
  await input(page, "Second picture").setInputFiles(second);
  await result(page).waitFor();
}

/** Checks that the times of a result add up, or that a line says why they don't. */
async function addsUp(where) {
  const rows = await where.locator(".timings > div").evaluateAll((all) => all.map((row) => [row.querySelector("dt").textContent, Math.round(10 * parseFloat(row.querySelector("dd").textContent))]));
  const times = Object.fromEntries(rows);
  const stages = times.decode + times.wait + times.encode + times.compare;
  assert.equal(times["in all"], times["in the server"] + times["on the way"]);
  if ("the rest" in times) assert.equal(times["in the server"], stages + times["the rest"]);
  else await where.getByText(`The stages add up to ${((stages - times["in the server"]) / 10).toFixed(1)} ms more than the time in the server`).waitFor();
}

async function rank(page) {
  await page.getByRole("tab", { name: "Rank" }).click();
  await input(page, "Picture to look for").setInputFiles(a);
  await input(page, "Candidates").setInputFiles([c, b, glyph("character02/0395_07.png"), glyph("character01/0394_18.png")]);
  await page.getByText(`Best of 4: 0394_02.png, ${same}, Same`).waitFor();
}

/** A film for Chromium's fake camera: a second of each drawing, in y4m. */
async function film(path) {
  const browser = await browsers.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  const page = await browser.newPage();
  const pieces = [Buffer.from("YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n")];
  for (const drawing of [a, c]) {
    const gray = await page.evaluate(async (base64) => {
      const picture = new Image();
      picture.src = `data:image/png;base64,${base64}`;
      await picture.decode();
      const pen = new OffscreenCanvas(640, 480).getContext("2d");
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, 640, 480);
      pen.drawImage(picture, 80, 0, 480, 480);
      const { data } = pen.getImageData(0, 0, 640, 480);
      return [...data.filter((_, i) => i % 4 === 0)];
    }, readFileSync(drawing).toString("base64"));
    const frame = Buffer.concat([Buffer.from("FRAME\n"), Buffer.from(gray), Buffer.alloc(640 * 480 / 2, 128)]);
    pieces.push(...Array(10).fill(frame));
  }
  await browser.close();
  writeFileSync(path, Buffer.concat(pieces));
  return ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${path}`];
}

async function live(page) {
  await page.getByRole("tab", { name: "Live" }).click();
  await input(page, "References").setInputFiles([b, c]);
  await page.getByRole("button", { name: "Start the camera" }).click();
  await page.getByText(/[1-9][0-9.]* frames\/s scored · lag [0-9]+ ms/).waitFor();
  for (const name of ["0394_02.png", "0395_01.png"]) await page.getByText(`best: ${name}`).waitFor();
}

await visit(url, "with no model chosen photographs and drawings mean something", async (page) => {
  const photo = (name) => join(root, "testdata/photos", name);
  await page.getByText("Ready: ").waitFor();
  await page.getByLabel("Model", { exact: true }).waitFor();
  for (const [first, second, verdict, model] of [
    [photo("cat.jpg"), photo("rocket.jpg"), "✕ Different", "Pictures"], [a, b, "✓ Same", "Handwriting"], [photo("cat.jpg"), photo("cat_copy.jpg"), "✓ Same", "Pictures"],
  ]) {
    await compare(page, first, second);
    await result(page).filter({ hasText: verdict }).filter({ hasText: `threshold 0.50 · ${model}` }).waitFor();
    assert.equal(await page.getByRole("note").filter({ hasText: "unlike" }).count(), 0, "a doubt about pictures that a model knows");
  }
  await shot(page, "photographs");
});
await check("two drawings of one character are the same", async (page) => {
  await compare(page);
  assert.match(await result(page).innerText(), new RegExp(`${same}\\s+✓ Same\\s+threshold 0\\.50`));
  assert.ok(await result(page).getByText("What “Handwriting” knows: single handwritten characters").isVisible(), "what the model knows is told");
  await addsUp(result(page));
  assert.equal(await result(page).locator("img").evaluateAll((all) => all.filter((img) => img.naturalWidth === 105).length), 2);
  assert.equal(await page.getByRole("meter", { name: "Similarity" }).getAttribute("aria-valuetext"), `${same}, Same`);
  await shot(page, "compare");
  await input(page, "Second picture").setInputFiles(c);
  await page.getByText(different, { exact: true }).waitFor();
  assert.match(await result(page).innerText(), /✕ Different/);
});
await check("a verdict goes with its pictures", async (page) => {
  await compare(page);
  let release = () => undefined;
  await page.route("**/Compare", async (route) => {
    await new Promise((resolve) => { release = resolve; });
    await route.continue();
  });
  await input(page, "First picture").setInputFiles(c);
  await page.getByText("Comparing …").waitFor();
  assert.ok(await result(page).isHidden(), "a verdict is left beside a new picture");
  await input(page, "First picture").setInputFiles(join(root, "README.md"));
  await page.getByText("README.md is no picture that the server can read").waitFor();
  release();
  await page.unrouteAll({ behavior: "wait" });
  assert.ok(await result(page).isHidden(), "a verdict comes to a file that was refused");
  assert.equal(await page.locator("#compare .spoken").textContent(), "", "a verdict is spoken of a file that was refused");
  assert.equal(await page.getByRole("group", { name: "First picture" }).locator("img").count(), 0, "a picture is left in place of a file that was refused");
  await shot(page, "rejected");
  await input(page, "First picture").setInputFiles(a);
  await page.getByText(same, { exact: true }).waitFor();
  await page.getByRole("tab", { name: "Rank" }).click();
  await rank(page);
  await input(page, "Picture to look for").setInputFiles(join(root, "README.md"));
  await page.getByText("4 candidates; choose the picture to look for.").waitFor();
  assert.equal(await page.getByRole("tabpanel", { name: "Rank" }).getByRole("meter").count(), 0, "scores are left beside a file that was refused");
});
await check("samples are tried by one click", async (page) => {
  await page.getByLabel("Model", { exact: true }).selectOption("auto");
  for (const [label, verdict] of [["A photo and its copy", "✓ Same"], ["Two photos", "✕ Different"], ["One letter twice", "✓ Same"], ["Two letters", "✕ Different"]]) {
    await page.getByRole("button", { name: label, exact: true }).click();
    await result(page).filter({ hasText: verdict }).waitFor();
    assert.equal(await page.getByRole("note").count(), 0, `${label}: a doubt about a sample`);
  }
  await page.getByRole("tab", { name: "Rank" }).click();
  await page.getByRole("button", { name: "Photos", exact: true }).click();
  await page.getByText("Best of 3: cat_copy.jpg").waitFor();
  await page.getByRole("button", { name: "Letters", exact: true }).click();
  await page.getByText(/Best of 4: alpha_[23]\.png/).waitFor();
  assert.equal(await page.getByText("Foreign to the model").count(), 0);
  await shot(page, "samples");
});
await check("a pasted and a dropped picture are taken", async (page) => {
  const give = (kind, label, path) => page.evaluate(([kind, label, base64]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], "given.png"));
    const target = label ? document.querySelector(`[aria-label="${label}"]`) : document;
    target.dispatchEvent(kind === "drop" ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }) : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
  }, [kind, label, readFileSync(path).toString("base64")]);
  await give("drop", "First picture", a);
  await page.getByAltText("given.png").waitFor();
  await give("paste", "", b);
  await page.getByText(same, { exact: true }).waitFor();
});
await check("many are ranked, best first", async (page) => {
  await rank(page);
  const names = await page.getByRole("list", { name: "Ranking" }).locator(".name").allInnerTexts();
  assert.deepEqual(names.slice(0, 2), ["0394_02.png", "0394_18.png"]);
  await shot(page, "rank");
  await page.getByRole("button", { name: "Remove 0394_02.png" }).click();
  await page.getByText("Best of 3: 0394_18.png").waitFor();
});
await check("what is no picture is told in words", async (page) => {
  const big = join(scratch, "big.tif"); // a format that Chromium can't read
  writeFileSync(big, Buffer.concat([Buffer.from("II*\0"), Buffer.alloc(8 << 20)]));
  const damaged = join(scratch, "damaged.png");
  writeFileSync(damaged, readFileSync(a).subarray(0, 100));
  const problem = page.getByRole("group", { name: "First picture" }).getByRole("alert");
  for (const [file, words] of [[join(root, "README.md"), "README.md is no picture that the server can read"], [big, "big.tif is too large: it has 8.0 MiB, the server takes 7.0 MiB, and this browser can't read its format to shrink it."]]) {
    await input(page, "First picture").setInputFiles(file);
    await page.getByText(words).waitFor();
  }
  await shot(page, "wrong-file");
  await input(page, "First picture").setInputFiles(damaged);
  await input(page, "Second picture").setInputFiles(b);
  await page.getByText("The picture is damaged.").waitFor();
  await input(page, "First picture").setInputFiles(a);
  await page.getByText(same, { exact: true }).waitFor();
  assert.equal(await problem.count(), 0, "the problem is still told");
});
await check("what the browser can't read is sent as it is", async (page) => {
  const tiff = join(root, "testdata/imaging/input/rgb-lzw.tiff");
  await compare(page, tiff, tiff);
  assert.equal(await page.getByRole("group", { name: "First picture" }).locator("img").count(), 0);
  assert.equal(await result(page).locator("img").evaluateAll((all) => all.filter((img) => img.naturalWidth === 105).length), 2);
});
await check("a folder is dropped and kept as a table", async (page) => {
  const folder = join(scratch, "my pictures");
  const pictures = oddFolder(folder, [a, b, c]);
  await page.getByRole("tab", { name: "Rank" }).click();
  await input(page, "Picture to look for").setInputFiles(a);
  await drop(page, page.getByRole("group", { name: "Candidates" }).locator(".stage"), [folder, a]);
  await page.getByText(`Best of ${pictures + 1}: my pictures/=cmd`).waitFor(); // of those that are the same drawing the first
  await page.getByText("4 can't be ranked: the end of the list says why.").waitFor();
  const list = page.getByRole("list", { name: "Ranking" });
  for (const words of ["my pictures/notes.txt is no picture", "my pictures/empty.png is empty.", "my pictures/page.png is no picture", "The picture is damaged."]) {
    await list.getByText(words).waitFor();
  }
  assert.equal(await list.getByRole("listitem").count(), pictures + 1 + 4, "rows: litter of systems is left out");
  await shot(page, "folder");
  const file = join(scratch, "ranking.csv");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download CSV" }).click()]);
  await download.saveAs(file);
  const table = readTable(file);
  assert.equal(table.length, pictures + 1 + 4);
  const row = (name) => table.find((row) => row.name === name) ?? assert.fail(`no row of ${name} in ${JSON.stringify(table.map((row) => row.name))}`);
  assert.equal(Number(row("my pictures/more/a.png").similarity).toFixed(4), same);
  assert.deepEqual([row("my pictures/more/a.png").verdict, row("my pictures/more/deep/a.png").verdict], ["same", "different"]);
  assert.match(row("my pictures/a.png").familiarity, /^[01]\.\d{6}$/);
  assert.equal(row("my pictures/two\nlines.png").verdict, "different");
  assert.equal(row("my pictures/it's \"quoted\", with comma.png").verdict, "same");
  assert.equal(row("my pictures/empty.png").error, "my pictures/empty.png is empty.");
  assert.deepEqual(table.slice(-4).map((row) => row.similarity), ["", "", "", ""], "what can't be ranked is last");
  await page.getByRole("button", { name: "Remove all" }).click();
  await input(page, "Candidates").setInputFiles(["=cmd|' -C calc'!A0.png", "+1.png", "@sum.png", "-2.png"].map((name) => join(folder, name)));
  await page.getByText("Best of 4").waitFor();
  const [again] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download CSV" }).click()]);
  await again.saveAs(file);
  assert.deepEqual(readTable(file).map((row) => row.name).sort(), ["'+1.png", "'-2.png", "'=cmd|' -C calc'!A0.png", "'@sum.png"], "what a spreadsheet would run");
});
await check("thousands are ranked call by call, in spite of a server that goes", async (page) => {
  const folder = join(scratch, "many");
  mkdirSync(folder);
  const drawing = readFileSync(c);
  for (let number = 0; number < 2000; number++) writeFileSync(join(folder, `${number}.png`), drawing);
  const calls = [];
  await page.route("**/Rank", async (route) => { calls.push(route.request().postDataBuffer()?.length ?? 0); await route.continue(); });
  await page.getByRole("tab", { name: "Rank" }).click();
  await input(page, "Picture to look for").setInputFiles(a);
  await page.getByRole("group", { name: "Candidates" }).locator("input[webkitdirectory]").setInputFiles(folder);
  await page.getByText(/^(32|64|96|1[0-9]{2}|[1-9][0-9]{2}) of 2,000$/).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText(/ are still to be ranked\./).waitFor();
  assert.ok(await page.getByRole("progressbar").isHidden(), "the progress is left");
  await shot(page, "cancelled");
  await server.stop();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("This goes on when the server answers again.").waitFor();
  await server.start();
  await page.getByText(`Best of 2,000: `).waitFor();
  assert.equal(await page.getByRole("list", { name: "Ranking" }).getByRole("listitem").count(), 100, "rows at first");
  await page.getByRole("button", { name: "Show more (1,900 left)" }).click();
  assert.equal(await page.getByRole("list", { name: "Ranking" }).getByRole("listitem").count(), 200);
  assert.ok(calls.length >= 63, `2,000 candidates in ${calls.length} calls, want at least 63 of 32`);
  await page.getByRole("button", { name: "Remove all" }).click();
  assert.equal(await page.getByRole("list", { name: "Ranking" }).getByRole("listitem").count(), 0);
});
// How far the similarity of a shrunk photograph may be from that of the whole one.
const shrinking = 0.005;
const photo = join(scratch, "photo.jpg");
await check("a photograph of 48 megapixels is shrunk, and its verdict is that of the whole", async (page) => {
  const bytes = await photograph(page, join(root, "testdata/photos/cat.jpg"), photo);
  assert.ok(bytes > 20e6, `the photograph has ${bytes} bytes, want more than 20 million`);
  const roomy = new ServerProcess(resolve(program), ["--max-image-bytes", "50000000", "--max-image-pixels", "50000000", "--max-message-bytes", "110000000", "--memory", "4000000000"]);
  const similarities = [];
  for (const from of [url, await roomy.start()]) {
    await page.goto(from);
    await page.getByText("Ready: ").waitFor();
    await page.getByLabel("Model", { exact: true }).selectOption("general");
    for (const other of ["cat.jpg", "cat_copy.jpg", "rocket.jpg"]) {
      await compare(page, photo, join(root, "testdata/photos", other));
      similarities.push(Number(await page.locator("output").innerText()));
      const note = await page.getByRole("group", { name: "First picture" }).locator(".note").innerText();
      assert.match(note, from === url ? /^Shrunk for the server: 6000 × 8000 pixels, [0-9.]+ MiB to 1536 × 2048 pixels, / : /^$/);
    }
    if (from === url) await shot(page, "shrunk");
  }
  await roomy.stop();
  console.log(`     similarities shrunk and whole: ${similarities.join(" ")}`);
  for (let at = 0; at < 3; at++) assert.ok(Math.abs(similarities[at] - similarities[at + 3]) <= shrinking, `similarities shrunk and whole: ${similarities}`);
});
await check("large pictures are shrunk among candidates and references, and keep their transparency", async (page) => {
  const clear = join(scratch, "clear.png");
  const base64 = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(6000, 5000);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#00f8";
    pen.fillRect(2000, 2000, 2000, 1000);
    const reader = new FileReader();
    const made = await canvas.convertToBlob({ type: "image/png" });
    await new Promise((resolve) => { reader.onload = resolve; reader.readAsDataURL(made); });
    return reader.result.split(",")[1];
  });
  writeFileSync(clear, Buffer.from(base64, "base64"));
  await compare(page, clear, clear);
  const corner = await result(page).locator("img").first().evaluate((img) => {
    const pen = new OffscreenCanvas(105, 105).getContext("2d");
    pen.drawImage(img, 0, 0);
    return [...pen.getImageData(2, 2, 1, 1).data];
  });
  assert.deepEqual(corner, [255, 255, 255, 255], "what is transparent is white to the network");
  await page.getByRole("tab", { name: "Rank" }).click();
  await input(page, "Picture to look for").setInputFiles(a);
  await input(page, "Candidates").setInputFiles([photo, b]);
  await page.getByText(`Best of 2: 0394_02.png, ${same}, Same`).waitFor();
  assert.equal(await page.getByRole("list", { name: "Ranking" }).getByText("shrunk").count(), 1);
  await page.getByRole("tab", { name: "Live" }).click();
  await input(page, "References").setInputFiles([photo, join(root, "README.md")]);
  await page.getByText(/^photo\.jpg: Shrunk for the server: 6000 × 8000/).waitFor();
  await page.getByText("README.md is no picture that the server can read").waitFor();
});
await check("a server that goes and comes back is told of, and the call made again", async (page) => {
  await compare(page);
  await server.stop();
  await input(page, "Second picture").setInputFiles(c);
  await page.getByText("This goes on when the server answers again.").waitFor();
  await page.getByText("Trying again …").waitFor();
  await shot(page, "server-gone");
  await server.start();
  await page.getByText(different, { exact: true }).waitFor();
  await page.getByText("Ready: siamese-omniglot").waitFor();
});
const parts = { scratch, drawings: [a, b, c], photos: join(root, "testdata/photos"), same, server, input, shot };
await check("pictures are kept, found, removed, and their doubles shown", (page) => galleryWorks(page, parts));
await check("hundreds are kept call by call, in spite of a server that goes", (page) => manyAreKept(page, parts));
await check("doubles of a folder are shown, and the server keeps nothing of it", (page) => doublesOfFolder(page, parts));
const token = spawnSync(program, ["token", "person", "--out", join(scratch, "token")]);
writeFileSync(join(scratch, "tokens"), token.stdout);
writeFileSync(join(scratch, "rights"), "person read *\nperson manage doubles-*\n");
const guarded = new ServerProcess(resolve(program), ["--tokens", join(scratch, "tokens"), "--galleries", join(scratch, "guarded"), "--gallery-rights", join(scratch, "rights")]);
await visit(await guarded.start(), "a server that wants a token asks for it", async (page) => {
  const form = page.getByRole("form", { name: "Token" });
  const give = async (token) => {
    await form.getByLabel("This server asks for a token.").fill(token);
    await page.keyboard.press("Enter");
  };
  await form.waitFor();
  await input(page, "First picture").setInputFiles(a);
  await input(page, "Second picture").setInputFiles(b);
  await page.getByText("This goes on when you give one above.").waitFor();
  await give("two words");
  await page.getByText("That is no token").waitFor();
  await give("siamese_wrong");
  await page.getByText("The server does not know that token.").waitFor();
  await shot(page, "token-wrong");
  await give(readFileSync(join(scratch, "token"), "utf8"));
  await ready(page);
  await page.getByText(same, { exact: true }).waitFor();
  assert.ok(await form.isHidden(), "the form is gone");
  await page.getByRole("tab", { name: "Search" }).click();
  await page.getByLabel("Name").fill("mine");
  await page.keyboard.press("Enter");
  await page.getByText("The server does not let you do that with this gallery.").waitFor();
  await shot(page, "search-denied");
  await page.reload();
  await ready(page);
  await page.getByText("Model and server").click();
  await shot(page, "token-held");
  await page.getByRole("button", { name: "Forget it" }).click();
  await form.waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, "tokens kept");
});
await guarded.stop();
const limited = new ServerProcess(resolve(program), ["--caller-rate", "0.5", "--caller-burst", "2", "--galleries", "off"]);
const limitedUrl = await limited.start();
await visit(limitedUrl, "a caller over its rate is told how long to wait, and goes on then", async (page) => {
  // What clients must not read of an error's details; a server may leave it out.
  await page.route("**/Compare", async (route) => {
    const response = await route.fetch();
    if (response.ok()) return route.fulfill({ response });
    const error = await response.json();
    for (const detail of error.details) delete detail.debug;
    await route.fulfill({ response, json: error });
  });
  await ready(page);
  await compare(page);
  await input(page, "Second picture").setInputFiles(c);
  await page.getByText(/That was more often than the server lets you ask\. .* This goes on in [12] s\./).waitFor();
  await shot(page, "rate-limited");
  await page.getByText(different, { exact: true }).waitFor();
  assert.equal(await page.getByRole("alert").filter({ hasText: "more often" }).count(), 0, "the notice is gone");
});
await visit(limitedUrl, "a server without galleries says how it would have them", async (page) => {
  await page.getByRole("tab", { name: "Search" }).click();
  await page.getByText("This server keeps no galleries, so there is nothing to search. Started with siamese serve --galleries DIR it keeps them in that folder.").waitFor();
  assert.equal(await page.getByRole("tabpanel", { name: "Search" }).getByRole("button").count(), 0, "what can't be done can be asked for");
  await shot(page, "search-off");
});
await limited.stop();
const moving = (model) => new ServerProcess(resolve(program), ["--galleries", join(scratch, "moving"), "--model", model]);
const before = moving("omniglot");
await keepTwo(await before.start(), [a, b, c]);
await before.stop();
const after = moving("general");
const afterUrl = await after.start();
await visit(afterUrl, "a gallery of another model is moved, and what must be sent again is told", (page) => galleryMoves(page, afterUrl, parts, [a, b, c]));
await after.stop();
const camera = await film(join(scratch, "film.y4m"));
await check("the camera is held against references", async (page) => {
  await live(page);
  await shot(page, "live");
  await page.getByRole("button", { name: "Take this frame as a reference" }).click();
  await page.getByText("best: frame 1").waitFor();
  await server.stop();
  await page.getByText("This goes on when the server answers again.").waitFor();
  await server.start();
  await page.getByText("Ready: siamese-omniglot").waitFor();
  const before = await page.getByText(/frames\/s scored/).innerText();
  await page.waitForFunction((before) => !document.querySelector(".counts").textContent.includes(before), before);
  const verdict = page.locator("#live .score");
  for (const name of ["0394_02.png", "0395_01.png", "frame 1"]) await page.getByRole("button", { name: `Remove ${name}` }).click();
  await page.getByText("Give a reference to hold the camera against.").waitFor();
  assert.equal(await verdict.innerText(), "", "a verdict is left without a reference");
  const damaged = join(scratch, "damaged.png");
  await input(page, "References").setInputFiles([damaged, b]);
  await page.getByText("best: 0394_02.png").waitFor();
  await page.getByRole("list", { name: "References" }).getByText("The picture is damaged.").waitFor();
  assert.ok(await page.getByRole("tabpanel", { name: "Live" }).getByText("What “Handwriting” knows").isVisible(), "what the model knows is told");
  await page.getByRole("button", { name: "Stop the camera" }).click();
  await page.getByText("The camera is off.").waitFor();
  assert.equal(await verdict.innerText(), "", "a verdict is left without a camera");
}, {}, camera);
await check("embeddings of another model are made again", async (page) => {
  let refused = 0;
  await page.route("**/Embed", async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    if (refused++ < 2) body.write("0123", body.indexOf(card.weights.digest)); // the first is the embedding's
    await route.fulfill({ response, body });
  });
  await live(page);
  assert.equal(refused, 4, "calls of Embed");
}, {}, camera);
await check("a snapshot of the camera is compared", async (page) => {
  await page.getByRole("button", { name: "Take First picture with the camera" }).click();
  await page.getByRole("button", { name: "Take the picture" }).click();
  await page.getByAltText("snapshot 1.jpg").waitFor();
}, {}, camera);
await check("no camera is told in words", async (page) => {
  await page.getByRole("tab", { name: "Live" }).click();
  await page.getByRole("button", { name: "Start the camera" }).click();
  await page.getByText(/There is no camera\.|not allowed to use the camera/).waitFor();
});
await check("the keyboard is enough", async (page) => {
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);
  await page.keyboard.press("Tab");
  if (await page.getByLabel("Model", { exact: true }).isVisible()) await page.keyboard.press("Tab");
  assert.equal(await focused(), "Compare");
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none", "focus can be seen");
  for (const [key, panel] of [["ArrowRight", "Rank"], ["ArrowRight", "Search"], ["End", "Live"], ["ArrowRight", "Compare"], ["ArrowLeft", "Live"], ["Home", "Compare"]]) {
    await page.keyboard.press(key);
    assert.equal(await focused(), panel);
    await page.getByRole("tabpanel", { name: panel }).waitFor();
  }
  let file = a;
  page.on("filechooser", (chooser) => void chooser.setFiles(file));
  for (const [label, chosen, key] of [["Choose a file for First picture", a, "Enter"], ["Choose a file for Second picture", b, "Space"]]) {
    while (await focused() !== label) await page.keyboard.press("Tab");
    file = chosen;
    await page.keyboard.press(key);
    await page.getByAltText(chosen.split("/").at(-1)).waitFor();
  }
  await page.getByText(`Same: similarity ${same}, threshold 0.50.`).waitFor({ state: "attached" });
});
const messages = await contract(root, scratch);
for (const [scheme, width] of [["light", 1100], ["light", 390], ["dark", 390]]) {
  await check(`a model is chosen and says what is foreign to it, ${scheme}, ${width} pixels wide`, async (page) => {
    const several = await serveSeveral(page, messages);
    const choice = page.getByLabel("Model", { exact: true });
    await choice.waitFor();
    assert.deepEqual(await choice.locator("option").allInnerTexts(), ["Automatic", "Pictures", "Handwriting"]);
    assert.equal(await choice.inputValue(), "auto", "the server's default");
    await page.getByText("Each pair is answered by the model that knows its pictures best: Pictures or Handwriting.").waitFor();
    await compare(page);
    assert.match(await result(page).innerText(), new RegExp(`${same}\\s+✓ Same\\s+threshold 0\\.50 · Handwriting`));
    await shot(page, `auto-${scheme}-${width}`);
    await choice.selectOption({ label: "Pictures" });
    await page.getByText("Photographs of things and places").waitFor();
    const warning = "The first picture is foreign to general, which knows photographs: the similarity means little.";
    await result(page).getByText(`⚠ ${warning}`).waitFor();
    assert.match(await result(page).innerText(), new RegExp(`${same}\\s+⚠ Same\\?\\s+threshold 0\\.50 · Pictures`));
    assert.equal(await result(page).getByText("✓").count(), 0, "a foreign picture has a green tick");
    assert.equal(await page.getByRole("meter", { name: "Similarity" }).getAttribute("aria-valuetext"), `${same}, Same, doubtful`);
    await page.getByText(`Same: similarity ${same}, threshold 0.50. ${warning}`).waitFor({ state: "attached" });
    await shot(page, `foreign-compare-${scheme}-${width}`);
    await rank(page);
    await page.getByText("⚠ The picture to look for is foreign to general").waitFor();
    assert.equal(await page.getByRole("list", { name: "Ranking" }).getByText("Foreign to the model").count(), 4);
    assert.equal(await page.getByRole("list", { name: "Ranking" }).getByText("✓").count(), 0);
    await shot(page, `foreign-rank-${scheme}-${width}`);
    await choice.selectOption({ label: "Automatic" });
    await page.getByText(/0394_02\.png · Handwriting/).waitFor();
    await page.getByText(`Best of 4: 0394_02.png, ${same}, Same (threshold 0.50, Handwriting).`).waitFor();
    assert.equal(await page.getByText("foreign to general").count(), 0, "a doubt about another model's answer is left");
    await live(page);
    await page.getByText(/best: .* · threshold 0\.50 · Handwriting/).waitFor();
    await choice.selectOption({ label: "Pictures" });
    await page.getByText(/best: .* · threshold 0\.50 · Pictures/).waitFor();
    await page.getByRole("tabpanel", { name: "Live" }).getByText("⚠ The picture to look for is foreign to general").waitFor();
    assert.deepEqual(several.asked.filter((call) => call.startsWith("embed")), ["embed auto", "embed auto", "embed general", "embed general"], "embeddings made");
    await shot(page, `foreign-live-${scheme}-${width}`);
    several.lost = true;
    await page.getByText(/best: .* · threshold 0\.50 · Handwriting/).waitFor();
    assert.ok(await choice.isHidden(), "one model is left to choose from");
  }, { colorScheme: scheme, viewport: { width, height: 740 } }, camera);
}
for (const [scheme, width] of [["light", 360], ["dark", 360], ["dark", 1100]]) {
  await check(`${scheme}, ${width} pixels wide`, async (page) => {
    await compare(page);
    await page.getByText("Model and server").click();
    await shot(page, `compare-${scheme}-${width}`);
    await rank(page);
    await shot(page, `rank-${scheme}-${width}`);
    await looks(page, parts, `${scheme}-${width}`);
    await live(page);
    await shot(page, `live-${scheme}-${width}`);
  }, { colorScheme: scheme, viewport: { width, height: 740 } }, camera);
}

await server.stop();
rmSync(scratch, { recursive: true });
console.log(`page-check: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
