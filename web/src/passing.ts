// Galleries that are there only for as long as the page needs them.

import { SiameseError } from "siamese-client/web";
import { client } from "./client";
import { heldToken } from "./token";

/** Those that are there now. */
const present = new Set<string>();

/** Whether this page made a gallery for itself, which nobody is to choose. */
export function isPassing(name: string): boolean { return present.has(name); }

/** A gallery for what is compared once. */
export class Passing {
  readonly name = `doubles-${[...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;

  #making: Promise<unknown> = Promise.resolve();

  /** Makes it, where it is not there, and reports whether it did. */
  async make(model: string): Promise<boolean> {
    if (present.has(this.name)) return false;
    present.add(this.name);
    try {
      await (this.#making = client.galleries.create(this.name, { model }));
    } catch (error) {
      // Where the server said no there is none; where it said nothing there may be one.
      if (error instanceof SiameseError && error.reason !== "") present.delete(this.name);
      throw error;
    }
    return true;
  }

  /** Deletes it. A server that does not answer keeps it: the choice of galleries shows it then. */
  async drop(): Promise<void> {
    if (!present.has(this.name)) return;
    await this.#making.catch(() => undefined); // else it would be made after it is deleted
    present.delete(this.name);
    await client.galleries.delete(this.name).catch(() => undefined);
  }
}

/** Has the server delete what this page made for itself: it is about to go, and waits for no answer. */
addEventListener("pagehide", () => {
  const headers = { "Content-Type": "application/json", ...heldToken() && { Authorization: `Bearer ${heldToken()}` } };
  for (const gallery of present) {
    void fetch("siamese.v1.GalleryService/DeleteGallery", { method: "POST", keepalive: true, headers, body: JSON.stringify({ gallery }) }).catch(() => undefined);
  }
  present.clear();
});
