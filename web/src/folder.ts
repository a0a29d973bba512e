// Files of folders that are dropped or chosen.

import type { Named } from "./picture";

/** How many files are taken of what is dropped or chosen at once. */
export const mostFiles = 10_000;
/** How deep folders are gone into: links may lead in circles. */
const deepest = 32;
/** What systems leave in folders for themselves. */
const litter = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

/** The files of a drop, those of folders with their paths. It must be called while the event is handled. */
export async function dropped(transfer: DataTransfer | null): Promise<Named[]> {
  const items = [...transfer?.items ?? []].filter((item) => item.kind === "file");
  // Both are gone once the event has been handled.
  const given = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: Named[] = [];
  for (const { entry, file } of given) {
    if (entry?.isDirectory) await walk(entry as FileSystemDirectoryEntry, found, 1);
    else if (file) found.push({ name: file.name, file });
  }
  return found.slice(0, mostFiles);
}

/** The files of an input of files, or of a folder, with their paths in it. */
export function chosen(input: HTMLInputElement): Named[] {
  return [...input.files ?? []]
    .map((file) => ({ name: file.webkitRelativePath || file.name, file }))
    .filter(({ file, name }) => !file.webkitRelativePath || !name.split("/").some((part) => litter.test(part)))
    .slice(0, mostFiles);
}

/** Adds the files of a folder and of those in it, by name. What can't be read is left out. */
async function walk(folder: FileSystemDirectoryEntry, found: Named[], depth: number): Promise<void> {
  for (const entry of await list(folder)) {
    if (found.length >= mostFiles || litter.test(entry.name)) continue;
    if (entry.isDirectory && depth < deepest) await walk(entry as FileSystemDirectoryEntry, found, depth + 1);
    const file = entry.isFile ? await fileOf(entry as FileSystemFileEntry) : undefined;
    if (file) found.push({ name: entry.fullPath.replace(/^\//, ""), file });
  }
}

/** What is in a folder; browsers give a hundred at a time. */
async function list(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return all.sort((a, b) => a.name < b.name ? -1 : 1);
    all.push(...some);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File | undefined> {
  return new Promise((resolve) => entry.file(resolve, () => resolve(undefined)));
}
