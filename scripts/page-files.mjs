// What: makes the files that page-check.mjs gives to the page: folders as people
//       have them, photographs as phones make them; drops them, and reads tables.
// How to run: by page-check.mjs.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A folder with pictures of odd names, of which two in different folders are called
 * the same, and with what is no picture. Returns how many can be ranked.
 */
export function oddFolder(folder, [a, b, c]) {
  mkdirSync(join(folder, "more", "deep"), { recursive: true });
  mkdirSync(join(folder, "__MACOSX"));
  const pictures = {
    "=cmd|' -C calc'!A0.png": a, "+1.png": b, "@sum.png": c, "-2.png": b, "it's \"quoted\", with comma.png": b, "two\nlines.png": c,
    "a.png": a, "more/a.png": b, "more/deep/a.png": c, "ünï 文字.png": a, "<img src=x onerror=alert(1)>.png": c, [`${"long".repeat(50)}.png`]: b,
  };
  for (const [name, path] of Object.entries(pictures)) writeFileSync(join(folder, name), readFileSync(path));
  const others = {
    "notes.txt": "not a picture", "empty.png": "", "page.png": "<!doctype html><title>Not found</title>",
    "damaged.png": readFileSync(a).subarray(0, 100), ".hidden.png": readFileSync(a), "__MACOSX/a.png": "litter", "Thumbs.db": "litter",
  };
  for (const [name, text] of Object.entries(others)) writeFileSync(join(folder, name), text);
  return Object.keys(pictures).length;
}

/** Drops files or folders of this machine on an element, as a person's file manager does. */
export async function drop(page, target, paths) {
  await target.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await target.boundingBox();
  const session = await page.context().newCDPSession(page);
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + height / 2, data: { items: [], files: paths, dragOperationsMask: 1 } });
  }
}

/** The rows of a CSV file as objects by its header. Reads what RFC 4180 allows. */
export function readTable(path) {
  const text = readFileSync(path, "utf8");
  assert.ok(text.startsWith("\ufeff"), "the table begins with the mark of UTF-8");
  const rows = [[]];
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/gy;
  for (let match, at = 1; at < text.length; at = field.lastIndex) {
    field.lastIndex = at;
    match = field.exec(text);
    assert.ok(match, `the table can't be read from ${JSON.stringify(text.slice(at, at + 40))}`);
    rows.at(-1).push(match[1].startsWith('"') ? match[1].slice(1, -1).replaceAll('""', '"') : match[1]);
    if (match[2] === "\r\n") rows.push([]);
  }
  const [header, ...lines] = rows.slice(0, -1);
  return lines.map((line) => Object.fromEntries(header.map((name, at) => [name, line[at]])));
}

/**
 * A photograph of 48 megapixels and more than 20 MB, made of a small one with a camera's
 * noise on it, that EXIF says has to be turned by 90°.
 */
export async function photograph(page, source, path) {
  const base64 = await page.evaluate(async (small) => {
    const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(small), (c) => c.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(8000, 6000);
    const pen = canvas.getContext("2d");
    pen.drawImage(picture, 0, 0, 8000, 6000);
    const noise = new OffscreenCanvas(997, 991);
    const grain = noise.getContext("2d");
    const data = grain.createImageData(997, 991);
    let state = 1;
    for (let at = 0; at < data.data.length; at++) data.data[at] = at % 4 === 3 ? 70 : (state = state * 48271 % 2147483647) & 255;
    grain.putImageData(data, 0, 0);
    pen.fillStyle = pen.createPattern(noise, "repeat");
    pen.fillRect(0, 0, 8000, 6000);
    const made = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
    const reader = new FileReader();
    await new Promise((resolve) => { reader.onload = resolve; reader.readAsDataURL(made); });
    return reader.result.split(",")[1];
  }, readFileSync(source).toString("base64"));
  const jpeg = Buffer.from(base64, "base64");
  // An APP1 segment with one entry: tag 0x112 (orientation), SHORT, 1, 6.
  const exif = Buffer.from("ffe1002245786966000049492a0008000000010012010300010000000600000000000000", "hex");
  writeFileSync(path, Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]));
  return jpeg.length;
}
