// Which things of a gallery a picture shows.

import type { Gallery, Identification, IdentifiedThing } from "siamese-client/web";
import { client } from "./client";
import { button, element } from "./element";
import { Notice } from "./notice";
import { Picker, short } from "./picker";
import type { Picture } from "./picture";
import type { Server } from "./server";
import { thumbnailOf } from "./thumbnail";
import { Clock } from "./timings";
import { badge, caution, doubtOf, Meter, verdictOf } from "./verdict";

/** How many things are shown at first, and at most, as servers have it. */
const few = 10;
const most = 100;

/** A picker for the picture, and the things that are most like it. */
export class Finder {
  readonly picker: Picker;
  readonly report: HTMLElement;
  #picture: Picture | undefined;
  #topK = few;
  #asked = 0;
  readonly #notice: Notice;
  readonly #waiting = element("p", { className: "quiet", hidden: true }, "Looking …");
  readonly #summary = element("p", { className: "quiet", "aria-live": "polite" });
  readonly #knows = element("p", { className: "quiet knows" });
  readonly #doubt = element("div");
  readonly #list = element("ol", { className: "ranking", "aria-label": "Best things" });
  readonly #more = button("Show more", () => { this.#topK = most; void this.find(); }, { hidden: true });
  readonly #details = element("div");

  /** @param removed is called when an entry was removed from the gallery. */
  constructor(private readonly server: Server, private readonly gallery: () => Gallery | undefined, private readonly removed: () => void) {
    this.#notice = new Notice(server, () => void this.find());
    this.picker = new Picker({ label: "Picture to find", server, taken: (picture) => this.#take(picture) });
    this.report = element("div", {}, this.#notice.root, this.#waiting, this.#summary, this.#knows, this.#doubt, this.#list, this.#more, this.#details);
  }

  /** Looks for the picture in the gallery as it is now. */
  async find(): Promise<void> {
    const asked = ++this.#asked;
    const picture = this.#picture, topK = this.#topK;
    const gallery = this.gallery();
    this.#notice.clear();
    this.#waiting.hidden = !picture || !gallery?.entries;
    if (!picture || !gallery?.entries) { this.#show(undefined, picture && gallery ? "The gallery holds no pictures yet." : ""); return; }
    try {
      const clock = new Clock();
      const began = performance.now();
      const answer = await client.galleries.identify(gallery.name, picture.file, { topK, includeThumbnails: gallery.keepThumbnails });
      clock.add(answer.timings, began);
      if (asked !== this.#asked) return;
      this.#show(answer, this.#summarize(answer), clock);
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#show(undefined, "");
      this.#notice.show(error);
    }
    this.#waiting.hidden = true;
  }

  #take(picture: Picture | undefined): void {
    if (this.#picture) URL.revokeObjectURL(this.#picture.url);
    this.#picture = picture;
    this.#topK = few;
    this.#show(undefined, "");
    void this.find();
  }

  #show(answer: Identification | undefined, words: string, clock?: Clock): void {
    const doubt = answer ? doubtOf(answer) : "";
    if (this.#summary.textContent !== words) this.#summary.textContent = words;
    this.#knows.textContent = answer ? this.server.models.knowledgeOf(answer.model) : "";
    this.#doubt.replaceChildren(caution(doubt) ?? "");
    this.#list.replaceChildren(...answer?.matches.map((match) => this.#row(match, answer.threshold, doubt !== "")) ?? []);
    this.#more.hidden = !answer || answer.matches.length < few || this.#topK > few;
    this.#details.replaceChildren(clock?.table() ?? "");
  }

  #row({ thing, entry, similarity, same }: IdentifiedThing, threshold: number, doubtful: boolean): HTMLElement {
    const foreign = entry.familiarity?.foreign ?? false;
    const name = thing || entry.id;
    const meter = new Meter(`Similarity of ${name}`);
    meter.show(similarity, threshold, same, doubtful || foreign);
    const about = element("div", { className: "grow" }, element("span", { className: "name", title: name }, short(name)),
      entry.id === name ? null : element("span", { className: "quiet", title: entry.id }, ` · ${short(entry.id)}`), meter.root,
      foreign ? element("span", { className: "doubt" }, "Foreign to the model") : null);
    return element("li", {}, thumbnailOf(entry.id, entry.thumbnail), about, element("span", { className: "number" }, similarity.toFixed(4)),
      element("span", { className: "verdict" }, badge(same, doubtful || foreign)),
      button("✕", () => void this.#remove(entry.id), { className: "remove", "aria-label": `Remove ${entry.id} from the gallery` }));
  }

  async #remove(id: string): Promise<void> {
    const gallery = this.gallery()?.name;
    if (gallery === undefined || !confirm(`Remove ${id} from the gallery ${gallery}?`)) return;
    try {
      await client.galleries.remove(gallery, { ids: [id] });
      this.removed();
      this.picker.zone.focus();
    } catch (error) {
      this.#notice.show(error);
    }
  }

  #summarize({ matches: [best], threshold, model, searchedEntries }: Identification): string {
    const among = searchedEntries === 1 ? "1 picture" : `${searchedEntries.toLocaleString("en")} pictures`;
    if (!best) return `Nothing was found among ${among}.`;
    const { thing, entry, similarity, same } = best;
    return `Best among ${among}: ${short(thing || entry.id)}, ${similarity.toFixed(4)}, ${verdictOf(same)} (threshold ${threshold.toFixed(2)}, ${this.server.models.titleOf(model)}).`;
  }
}
