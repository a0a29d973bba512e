// The references of the live view and their embeddings.

import { client, imageOf } from "./client";
import { button, element } from "./element";
import { wordsForItem } from "./failure";
import type { Embedding } from "./gen/siamese/v1/image_pb.js";
import { portrait } from "./picker";
import type { Picture } from "./picture";
import { Meter } from "./verdict";

interface Reference { picture: Picture; card: HTMLElement; meter: Meter; number: HTMLElement; embedding?: Embedding }

/** Pictures that frames are held against. Each is encoded once, by Embed. */
export class References {
  readonly root = element("ul", { className: "references", "aria-label": "References" });
  private items: Reference[] = [];

  get count(): number { return this.items.length; }

  /** Adds a picture. */
  add(picture: Picture): void {
    const meter = new Meter(`Similarity to ${picture.name}`);
    const number = element("span", { className: "number" }, "–");
    const card = element("li", {}, portrait(picture), element("div", { className: "grow" }, element("span", { className: "name" }, picture.name), meter.root), number);
    const item: Reference = { picture, card, meter, number };
    card.append(button("✕", () => { this.items = this.items.filter((other) => other !== item); card.remove(); }, { className: "remove", "aria-label": `Remove ${picture.name}` }));
    this.items.push(item);
    this.root.append(card);
  }

  /** Forgets the embeddings: the model is another one. */
  forget(): void { for (const item of this.items) delete item.embedding; }

  /**
   * The references with their embeddings as images of a call, made once each.
   * Throws an Error where one can't be used.
   */
  async images(): Promise<{ images: { source: { case: "embedding"; value: Embedding } }[]; items: Reference[] }> {
    const missing = this.items.filter((item) => !item.embedding);
    for (const item of missing) item.embedding = await embed(item.picture);
    const items = this.items.filter((item) => item.embedding);
    const images = items.flatMap(({ embedding }) => embedding ? [{ source: { case: "embedding" as const, value: embedding } }] : []);
    return { images, items };
  }

  /** Shows a reference's similarity; the best one is marked. */
  show(item: Reference, similarity: number, threshold: number, best: boolean): void {
    item.meter.show(similarity, threshold);
    item.number.textContent = similarity.toFixed(3);
    item.card.classList.toggle("best", best);
  }
}

async function embed(picture: Picture): Promise<Embedding> {
  const { results: [result] } = await client.embed({ images: [imageOf(picture.encoded)] });
  if (result?.outcome.case === "embedding") return result.outcome.value;
  throw new Error(`${picture.name}: ${wordsForItem(result?.outcome.value)}`);
}
