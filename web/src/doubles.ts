// Pictures that are alike: of a folder, or within a gallery.

import type { DuplicatesDone, Gallery } from "siamese-client/web";
import { client } from "./client";
import { button, element } from "./element";
import { DropZone } from "./dropzone";
import { Groups, type Source } from "./groups";
import { Notice } from "./notice";
import { Passing } from "./passing";
import { tile } from "./picker";
import type { Named } from "./picture";
import { Problems } from "./problems";
import { Progress } from "./progress";
import { Sending } from "./sending";
import type { Server } from "./server";
import { shrunkOf, thumbnailOf } from "./thumbnail";

/** What is looked through: a gallery, which for files is one of their own that passes, and the name of an entry for people. */
interface Work extends Source { gallery: string; nameOf: (id: string) => string; model: string; sending?: Sending; place?: Passing }

/** A zone for a folder, and a button for the gallery; groups side by side. */
export class Doubles {
  readonly root: HTMLElement;
  readonly zone: DropZone;
  readonly #threshold = element("input", { id: "alike-from", type: "number", min: "0", max: "1", step: "0.01", inputMode: "decimal", placeholder: "the model's own" });
  readonly #within = button("Find doubles in the gallery", () => this.#lookWithin(), { hidden: true });
  readonly #clear = button("Clear", () => { this.#forget(); this.zone.focus(); }, { hidden: true });
  readonly #progress = new Progress("Looked through", () => this.#forget());
  readonly #summary = element("p", { className: "quiet", "aria-live": "polite" });
  readonly #problems = new Problems("can't be compared");
  readonly #groups = new Groups();
  readonly #notice: Notice;
  #work: Work | undefined;
  /** Ends the calls under way; undefined while there are none. */
  #running: AbortController | undefined;

  /** @param removed is called when an entry was removed from the gallery. */
  constructor(private readonly server: Server, private readonly gallery: () => Gallery | undefined, private readonly removed: () => void) {
    this.#notice = new Notice(server, () => void this.#run());
    this.zone = new DropZone({ label: "Folder to look through", many: true, folders: true, shy: true, camera: false, server, given: (files) => this.#lookThrough(files) });
    this.#threshold.addEventListener("change", () => { this.#running?.abort(); this.#running = undefined; void this.#run(); });
    this.root = element("section", { className: "doubles", "aria-label": "Doubles" }, element("h2", {}, "Doubles"),
      element("p", { className: "quiet" }, "Which pictures of a folder show the same? Nothing of it is kept: the server forgets what it made of them when you clear this or leave the page."),
      this.zone.root, element("div", { className: "row alike" }, element("label", { htmlFor: this.#threshold.id }, "Alike from similarity"), this.#threshold, this.#within, this.#clear),
      this.#notice.root, this.#progress.root, this.#summary, this.#problems.root, this.#groups.root);
  }

  /** Takes the gallery as it is now. */
  show(): void {
    const gallery = this.gallery();
    this.#within.hidden = (gallery?.entries ?? 0) < 2;
    if (this.#work && !this.#work.sending && this.#work.gallery !== gallery?.name) this.#forget();
  }

  /** Looks through files: whatever their number, few of them are in memory at a time. */
  #lookThrough(files: Named[]): void {
    const place = new Passing();
    const sending = new Sending(this.server, place.name, files, (_, index) => ({ id: String(index) }));
    const file = (id: string) => files[Number(id)];
    const nameOf = (id: string) => file(id)?.name ?? "";
    this.#begin({ gallery: place.name, place, sending, nameOf, model: this.#model?.title || this.#model?.name || "", tile: (id) => localTile(nameOf(id), file(id)) });
  }

  #lookWithin(): void {
    const gallery = this.gallery();
    if (!gallery) return;
    const { name, keepThumbnails, reference, model } = gallery;
    this.#begin({
      gallery: name, nameOf: (id) => id, model: this.server.models.titleOf(reference) || model,
      tile: async (id) => thumbnailOf(id, keepThumbnails ? await thumbnail(name, id, this.server.pace) : undefined),
      remove: (id) => this.#remove(name, id),
    });
  }

  get #model() { return this.server.models.chosen; }

  #begin(work: Work): void {
    this.#forget();
    this.#work = work;
    void this.#run();
  }

  /** Ends what is under way, and forgets what was found. */
  #forget(): void {
    this.#running?.abort();
    this.#running = undefined;
    void this.#work?.place?.drop();
    this.#work = undefined;
    this.#notice.clear();
    this.#progress.hide();
    this.#groups.clear();
    this.#problems.show([]);
    this.#summary.textContent = "";
    this.#clear.hidden = true;
  }

  async #run(): Promise<void> {
    const work = this.#work;
    this.#notice.clear();
    if (this.#running || !work) return;
    const running = this.#running = new AbortController();
    this.#clear.hidden = true;
    this.#summary.textContent = "";
    this.#groups.begin(work);
    try {
      await this.#send(work, running.signal);
      const done = await this.#compare(work, running.signal);
      if (!running.signal.aborted) this.#summary.textContent = this.#summarize(work, done);
    } catch (error) {
      if (!running.signal.aborted) this.#notice.show(error);
    }
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#progress.hide();
    this.#clear.hidden = false;
  }

  /** Has the server take all files that it has not yet. */
  async #send({ sending, place }: Work, signal: AbortSignal): Promise<void> {
    if (!sending || !place) return;
    this.#progress.show(sending.done, sending.files.length);
    if (await place.make(this.#model?.servingName ?? "")) sending.restart();
    while (sending.left > 0 && !signal.aborted) {
      const paced = new Promise((resolve) => setTimeout(resolve, this.server.pace));
      await sending.next(signal);
      if (signal.aborted) return;
      this.#progress.show(sending.done, sending.files.length);
      this.#problems.show(sending.problems);
      await paced;
    }
  }

  /** Shows groups as the server finds them. */
  async #compare({ gallery, nameOf }: Work, signal: AbortSignal): Promise<DuplicatesDone> {
    if (signal.aborted) return { entries: 0, groups: 0 };
    this.#progress.wait("Comparing …");
    const threshold = this.#threshold.valueAsNumber;
    const found = client.galleries.duplicates(gallery, { signal, ...Number.isNaN(threshold) ? {} : { threshold } });
    for (;;) {
      const item = await found.next();
      if (item.done) return item.value;
      if (!signal.aborted) this.#groups.add(item.value.map(({ entry: { id }, similarity }) => ({ id, name: nameOf(id), similarity })));
    }
  }

  #summarize({ model, sending }: Work, { entries }: DuplicatesDone): string {
    const { size, pictures } = this.#groups;
    const all = entries.toLocaleString("en");
    const foreign = sending?.foreign ?? 0;
    return [
      size === 0 ? `No two of ${all} pictures are alike to “${model}”.`
        : `${size === 1 ? "1 group" : `${size.toLocaleString("en")} groups`} of ${pictures.toLocaleString("en")} pictures among ${all}, by “${model}”.`,
      foreign > 0 ? `⚠ ${foreign.toLocaleString("en")} ${foreign === 1 ? "is" : "are"} foreign to the model: what it says of them means little.` : "",
    ].filter(Boolean).join(" ");
  }

  async #remove(gallery: string, id: string): Promise<boolean> {
    if (!confirm(`Remove ${id} from the gallery ${gallery}?`)) return false;
    try {
      await client.galleries.remove(gallery, { ids: [id] });
    } catch (error) {
      this.#notice.show(error);
      return false;
    }
    this.removed();
    return true;
  }
}

/** The small picture of a file here; where the browser can't read it, the ending of its name. */
async function localTile(name: string, file: Named | undefined): Promise<HTMLElement> {
  const src = file && await shrunkOf(file.file);
  return src ? element("img", { alt: name, title: name, src }) : tile(name, undefined);
}

/** An entry's thumbnail, no more often than the server lets it be asked for; undefined where it can't be had. */
async function thumbnail(gallery: string, id: string, pace: number): Promise<Uint8Array | undefined> {
  const [entry] = await Promise.all([client.galleries.entry(gallery, id, { includeThumbnail: true }).catch(() => undefined), new Promise((resolve) => setTimeout(resolve, pace))]);
  return entry?.thumbnail;
}
