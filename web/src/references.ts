// The references of the live view and their embeddings.

import { client, imageOf } from "./client";
import { button, element } from "./element";
import { wordsForItem } from "./failure";
import type { Embedding } from "./gen/siamese/v1/image_pb.js";
import type { RankedCandidate } from "./gen/siamese/v1/rank_pb.js";
import { portrait } from "./picker";
import type { Picture } from "./picture";
import { doubtOf, Meter } from "./verdict";

interface Reference {
  picture: Picture; card: HTMLElement; meter: Meter; number: HTMLElement; doubt: HTMLElement;
  /** What the picture is to a model; made again for another one. */
  known?: { model: string; embedding: Embedding; doubt: string };
}

/** Pictures that frames are held against. Each is encoded once, by Embed. */
export class References {
  readonly root = element("ul", { className: "references", "aria-label": "References" });
  private items: Reference[] = [];

  get count(): number { return this.items.length; }

  /** Adds a picture. */
  add(picture: Picture): void {
    const meter = new Meter(`Similarity to ${picture.name}`);
    const number = element("span", { className: "number" }, "–");
    const doubt = element("span", { className: "doubt", hidden: true }, "Foreign to the model");
    const card = element("li", {}, portrait(picture), element("div", { className: "grow" }, element("span", { className: "name" }, picture.name), meter.root, doubt), number);
    const item: Reference = { picture, card, meter, number, doubt };
    card.append(button("✕", () => { this.items = this.items.filter((other) => other !== item); card.remove(); }, { className: "remove", "aria-label": `Remove ${picture.name}` }));
    this.items.push(item);
    this.root.append(card);
  }

  /** Forgets the embeddings: the model is another one. */
  forget(): void { for (const item of this.items) delete item.known; }

  /**
   * The references with their embeddings by a model as images of a call, made once
   * each. Throws an Error where one can't be used.
   */
  async images(model: string): Promise<{ images: { source: { case: "embedding"; value: Embedding } }[]; items: Reference[] }> {
    const missing = this.items.filter((item) => item.known?.model !== model);
    for (const item of missing) {
      item.known = { model, ...await embed(item.picture, model) };
      item.doubt.hidden = !item.known.doubt;
      item.doubt.title = item.known.doubt;
    }
    const items = this.items.filter((item) => item.known?.model === model);
    const images = items.flatMap(({ known }) => known ? [{ source: { case: "embedding" as const, value: known.embedding } }] : []);
    return { images, items };
  }

  /** Shows a reference's score; the best one is marked. */
  show(item: Reference, scored: RankedCandidate, threshold: number, doubtful: boolean, best: boolean): void {
    item.meter.show(scored.similarity, threshold, scored.same, doubtful);
    item.number.textContent = scored.similarity.toFixed(3);
    item.card.classList.toggle("best", best);
  }
}

async function embed(picture: Picture, model: string): Promise<{ embedding: Embedding; doubt: string }> {
  const { results: [result] } = await client.embed({ images: [imageOf(picture.encoded)], model });
  if (result?.outcome.case === "embedding") return { embedding: result.outcome.value, doubt: doubtOf(result) };
  throw new Error(`${picture.name}: ${wordsForItem(result?.outcome.value)}`);
}
