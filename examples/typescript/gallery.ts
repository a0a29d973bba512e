// Keeps the pictures of a folder in a gallery, then says which of them a picture shows.
// How to run: node gallery.ts FOLDER PICTURE [SERVER]

import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { connect, type NewEntry } from "siamese-client/node";

const [folder, picture, server = "localhost:50051"] = process.argv.slice(2);
if (!folder || !picture) throw new Error("usage: node gallery.ts FOLDER PICTURE [SERVER]");

/** Gives entries as the server asks for them; a picture's id is its path in the folder. */
async function* entries(folder: string): AsyncGenerator<NewEntry<string>> {
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name);
    if (file.isFile()) yield { id: relative(folder, path).split(sep).join("/"), image: path };
  }
}

const client = connect(server);
const { galleries } = client;
try {
  await galleries.create("example", { model: "general", keepThumbnails: true });
  // Entries that are there already stay as they are: the example can be run again.
  const { added, unchanged, failures } = await galleries.enrollStream("example", entries(folder));
  console.log(`${added} added, ${unchanged} there already`);
  for (const { id, error } of failures) console.log(`${id} ${error.reason}: ${error.message}`);

  const { matches, warning } = await galleries.identify("example", picture, { topK: 3 });
  for (const { entry, similarity, same } of matches) console.log(`${entry.id} ${similarity.toFixed(4)} ${same ? "same" : "different"}`);
  if (warning) console.log(warning);
} finally {
  client.close();
}
