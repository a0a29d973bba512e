// The galleries of the server: which one is searched, and making another.

import type { Gallery } from "siamese-client/web";
import { client } from "./client";
import { button, element } from "./element";
import { wordsFor } from "./failure";
import { GalleryForm } from "./galleryform";
import { Notice } from "./notice";
import { isPassing } from "./passing";
import { Reindexing } from "./reindexing";
import type { Server } from "./server";

/** A choice of galleries, with what the chosen one holds. */
export class GalleryChoice {
  readonly root: HTMLElement;
  #galleries: Gallery[] = [];
  #wish = "";
  #asked = 0;
  readonly #listeners: (() => void)[] = [];
  readonly #select = element("select", { id: "gallery-choice" });
  readonly #label = element("label", { htmlFor: this.#select.id }, "Gallery");
  readonly #about = element("p", { className: "quiet", "aria-live": "polite" });
  readonly #make = button("New gallery", () => this.#form.open());
  readonly #remove = button("Delete", () => void this.#delete(), { "aria-label": "Delete the gallery" });
  readonly #form: GalleryForm;
  readonly #reindexing: Reindexing;
  readonly #notice: Notice;

  constructor(private readonly server: Server) {
    this.#notice = new Notice(server, () => void this.refresh());
    this.#form = new GalleryForm(server, (made) => { this.#wish = made.name; void this.refresh(); });
    this.#reindexing = new Reindexing(server, () => void this.refresh());
    this.#select.addEventListener("change", () => { this.#wish = this.#select.value; this.#show(); });
    this.root = element("div", { className: "choice" }, element("div", { className: "model gallery" }, this.#label, this.#select, this.#make, this.#remove, this.#about), this.#form.root, this.#reindexing.root, this.#notice.root);
    server.models.onChange(() => { this.#form.describe(); this.#reindexing.tell(); this.#tell(); }); // a title may be known now
  }

  /** The chosen gallery; undefined where there is none. */
  get current(): Gallery | undefined { return this.#galleries.find(({ name }) => name === this.#wish) ?? this.#galleries[0]; }

  /** Calls listener when another gallery is chosen, or the chosen one holds other entries. */
  onChange(listener: () => void): void { this.#listeners.push(listener); }

  /** Keeps the choice as it is while something is done with the chosen gallery. */
  lock(isBusy: boolean): void { for (const part of [this.#select, this.#make, this.#remove]) part.disabled = isBusy; }

  /** Asks the server for its galleries. */
  async refresh(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const galleries = await client.galleries.list();
      if (asked !== this.#asked) return;
      this.#notice.clear();
      this.#galleries = galleries.filter(({ name }) => !isPassing(name));
      this.#show();
    } catch (error) {
      if (asked === this.#asked) this.#notice.show(error);
    }
  }

  #show(): void {
    const galleries = this.#galleries, current = this.current;
    this.#wish = current?.name ?? this.#wish;
    this.#select.replaceChildren(...galleries.map(({ name }) => element("option", { value: name }, name)));
    this.#select.value = current?.name ?? "";
    this.#label.hidden = this.#select.hidden = this.#remove.hidden = this.#make.hidden = !current;
    this.#tell();
    this.#reindexing.show(current);
    if (current) this.#form.settle();
    else this.#form.open({ first: true });
    for (const listener of this.#listeners) listener();
  }

  #tell(): void {
    const { current } = this;
    const words = current ? this.#describe(current) : "There is no gallery yet. A gallery keeps pictures, and tells which of them another picture shows.";
    if (this.#about.textContent !== words) this.#about.textContent = words;
  }

  #describe(gallery: Gallery): string {
    const { entries, staleEntries, keepThumbnails, keepPictures, reference, model } = gallery;
    return [
      entries === 1 ? "1 picture" : `${entries.toLocaleString("en")} pictures`,
      `${reference.name ? "Answered by" : "of the model"} “${this.server.models.titleOf(reference) || model}”`,
      keepThumbnails ? "keeps thumbnails" : "keeps no thumbnails",
      staleEntries > 0 ? `${staleEntries.toLocaleString("en")} of another model, which can't be found${keepPictures ? "" : ": keep them once more"}` : "",
    ].filter(Boolean).join(" · ");
  }

  async #delete(): Promise<void> {
    const { current } = this;
    if (!current || !confirm(`Delete the gallery ${current.name} with all that it holds (${current.entries.toLocaleString("en")})?`)) return;
    try {
      await client.galleries.delete(current.name);
    } catch (error) {
      alert(wordsFor(error));
      this.server.failed(error);
    }
    await this.refresh();
    this.#select.focus();
  }
}
