// Files on their way into a gallery.

import type { NewEntry } from "siamese-client/web";
import { client } from "./client";
import { wordsFor, wordsForItem } from "./failure";
import { pictureFrom, type Named } from "./picture";
import type { Server } from "./server";

/** Pictures of one call: few enough that the progress is seen, and that few are in memory at a time. */
const partSize = 16;

/** What an entry is called, and the thing that it shows. */
export type Naming = (file: Named, index: number) => Pick<NewEntry, "id" | "thing">;

/** A file that is not kept, and why. */
export interface Problem { name: string; words: string }

/** Sends files, to which more can be added, a few at a time; what a call took is forgotten, so that no more than a call's pictures are in memory. */
export class Sending {
  /** How many files have been dealt with, from the first on. */
  done = 0;
  kept = { added: 0, replaced: 0, unchanged: 0 };
  /** How many of those that are kept are foreign to the model. */
  foreign = 0;
  problems: Problem[] = [];

  constructor(private readonly server: Server, readonly gallery: string, readonly files: Named[], private readonly naming: Naming) {}

  get left(): number { return this.files.length - this.done; }

  /** Begins with the first once more: the gallery has none of them. */
  restart(): void {
    this.done = this.foreign = 0;
    this.kept = { added: 0, replaced: 0, unchanged: 0 };
    this.problems = [];
  }

  /** Sends the next few. Throws what the call throws: then the same are next once more. */
  async next(signal: AbortSignal): Promise<void> {
    const { entries, names, problems, end } = await this.#part(signal);
    const { results } = entries.length > 0 ? await client.galleries.enroll(this.gallery, entries, { signal }) : { results: [] };
    if (signal.aborted) return;
    for (const [at, result] of results.entries()) {
      if (result.error) {
        problems.push({ name: names[at] ?? "", words: wordsForItem(result.error) });
        continue;
      }
      this.kept[result.status]++;
      if (result.familiarity?.foreign) this.foreign++;
    }
    this.problems.push(...problems);
    this.done = end;
  }

  /** The entries of the next call, those that can't be sent, and where the call after it begins. */
  async #part(signal: AbortSignal): Promise<{ entries: NewEntry[]; names: string[]; problems: Problem[]; end: number }> {
    const entries: NewEntry[] = [];
    const names: string[] = [];
    const problems: Problem[] = [];
    let end = this.done;
    for (let room = this.server.bounds.callBytes; end < this.files.length && entries.length < partSize && !signal.aborted; end++) {
      const file = this.files[end];
      if (!file) break;
      try {
        const image = await sendable(file, this.server);
        room -= image.size;
        if (room < 0 && entries.length > 0) break;
        entries.push({ ...this.naming(file, end), image });
        names.push(file.name);
      } catch (error) {
        problems.push({ name: file.name, words: wordsFor(error) });
      }
    }
    return { entries, names, problems, end };
  }
}

/** A file as the server takes it. */
async function sendable(file: Named, server: Server): Promise<Blob> {
  const picture = await pictureFrom(file, server.bounds);
  URL.revokeObjectURL(picture.url); // nobody looks at it here
  return picture.file;
}
