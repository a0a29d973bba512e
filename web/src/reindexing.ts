// Moving a gallery to its model as it is now.

import type { Gallery, ReindexProgress } from "siamese-client/web";
import { client } from "./client";
import { button, element } from "./element";
import { Notice } from "./notice";
import { Problems } from "./problems";
import { Progress } from "./progress";
import type { Server } from "./server";

/** Says that pictures of a gallery are of another model, moves it, and tells which are missing then. */
export class Reindexing {
  readonly root: HTMLElement;
  readonly #words = element("p");
  readonly #begin = button("Reindex", () => void this.#run());
  readonly #offer = element("div", { className: "notice made", hidden: true }, this.#words, this.#begin);
  readonly #progress = new Progress("Encoded again", () => this.#forget(), "Don't wait");
  readonly #summary = element("p", { className: "quiet", "aria-live": "polite" });
  readonly #missing = new Problems("have to be kept once more");
  readonly #notice: Notice;
  #gallery: Gallery | undefined;
  /** Ends the call under way, not the work; undefined while there is none. */
  #running: AbortController | undefined;

  /** @param moved is called when the gallery is of the model. */
  constructor(private readonly server: Server, private readonly moved: () => void) {
    this.#notice = new Notice(server, () => void this.#run());
    this.root = element("div", {}, this.#offer, this.#notice.root, this.#progress.root, this.#summary, this.#missing.root);
  }

  /** Takes the chosen gallery as it is now; where another page has begun to move it, this one waits with it. */
  show(gallery: Gallery | undefined): void {
    if (gallery?.name !== this.#gallery?.name) this.#forget();
    const begun = gallery?.reindexing && !this.#gallery?.reindexing;
    this.#gallery = gallery;
    this.tell();
    if (begun) void this.#run();
  }

  /** Says what can be done; nothing where all pictures are of the model. */
  tell(): void {
    const gallery = this.#gallery;
    const other = gallery && !gallery.reference.name;
    const stale = gallery && gallery.staleEntries > 0 && gallery.keepPictures;
    this.#offer.hidden = this.#running !== undefined || !(other || stale);
    if (!gallery || this.#offer.hidden) return;
    this.#words.textContent = [
      other ? `The gallery is of ${this.#model === gallery.model ? "another version of" : "a model that the server lacks,"} “${gallery.model}”, so nothing is found in it.` : "",
      `Reindex it for “${this.#title}”:`,
      gallery.keepPictures ? "pictures whose files it keeps are encoded again, others you keep once more." : "it keeps no files, so you keep all pictures once more after that.",
    ].filter(Boolean).join(" ");
  }

  /** The model to move to: the gallery's own, or the chosen one where the server lacks that. */
  get #model(): string {
    const { models } = this.server;
    return models.served(this.#gallery?.model)?.servingName ?? models.chosen?.servingName ?? "";
  }

  get #title(): string { return this.server.models.served(this.#model)?.title || this.#model || "its model"; }

  /** Ends the waiting, and forgets what was told of another gallery. */
  #forget(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#notice.clear();
    this.#progress.hide();
    this.#summary.textContent = "";
    this.#missing.show([]);
    this.tell();
  }

  async #run(): Promise<void> {
    const gallery = this.#gallery, title = this.#title;
    if (!gallery || this.#running) return;
    this.#forget();
    const running = this.#running = new AbortController();
    this.tell();
    this.#progress.wait("Encoding again …");
    let last: ReindexProgress | undefined;
    try {
      for await (const now of client.galleries.reindex(gallery.name, { model: this.#model, signal: running.signal })) {
        if (running.signal.aborted) return;
        last = now;
        this.#progress.show(now.encoded + now.missing, now.entries);
      }
    } catch (error) {
      if (!running.signal.aborted) this.#notice.show(error);
    }
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#progress.hide();
    if (last?.done) this.#report(last, title);
    this.tell();
    if (last?.done) this.moved();
  }

  #report({ encoded, missing, entries, missingIds }: ReindexProgress, title: string): void {
    const all = (count: number) => count.toLocaleString("en");
    this.#summary.textContent = `${all(encoded)} of ${all(entries)} pictures are of “${title}”.${missing > 0 ? ` The gallery keeps no file of ${all(missing)}: keep them once more, by the same names.` : ""}`;
    this.#missing.show(missingIds.map((id) => ({ name: id, words: id })));
  }
}
