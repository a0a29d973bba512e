// The references of the live view and their embeddings.

import type { Embedding, Match } from "siamese-client/web";
import { client } from "./client";
import { button, element } from "./element";
import { wordsForItem } from "./failure";
import { short, tile } from "./picker";
import type { Picture } from "./picture";
import { doubtOf, Meter } from "./verdict";

interface Reference {
  picture: Picture; card: HTMLElement; meter: Meter; number: HTMLElement;
  /** Why its score means little, or why it has none. */
  doubt: HTMLElement;
  /** What the picture is to a model, or why the server can't use it; made again for another one. */
  known?: { model: string; embedding?: Embedding; doubt: string; problem: string };
}

/** Pictures that frames are held against. Each is encoded once, by Embed. */
export class References {
  readonly root = element("ul", { className: "references", "aria-label": "References" });
  #items: Reference[] = [];

  /** @param removed is called when the person has removed one. */
  constructor(private readonly removed: () => void) {}

  /** How many there are, but for those that the server can't use. */
  get count(): number { return this.#items.filter((item) => !item.known?.problem).length; }

  /** Adds a picture. */
  add(picture: Picture): void {
    const { name, note } = picture;
    const meter = new Meter(`Similarity to ${name}`);
    const number = element("span", { className: "number" }, "–");
    const doubt = element("span", { className: "doubt", hidden: true });
    const card = element("li", {}, tile(name, picture), element("div", { className: "grow" }, element("span", { className: "name", title: name }, short(name)),
      note ? element("span", { className: "quiet", title: note }, " · shrunk") : null, meter.root, doubt), number);
    const item: Reference = { picture, card, meter, number, doubt };
    card.append(button("✕", () => this.#remove(item), { className: "remove", "aria-label": `Remove ${name}` }));
    this.#items.push(item);
    this.root.append(card);
  }

  /** Forgets the embeddings: the model is another one. */
  forget(): void { for (const item of this.#items) delete item.known; }

  /** Takes the scores away. */
  clear(): void {
    for (const { meter, number, card } of this.#items) {
      meter.clear();
      number.textContent = "–";
      card.classList.remove("best");
    }
  }

  /** The references that the server can use, with their embeddings by a model made once each. */
  async images(model: string): Promise<{ images: Embedding[]; items: Reference[] }> {
    for (const item of this.#items.filter(({ known }) => known?.model !== model)) {
      item.known = { model, ...await embed(item.picture, model) };
      const { doubt, problem } = item.known;
      item.doubt.hidden = !doubt && !problem;
      item.doubt.textContent = problem || "Foreign to the model";
      item.doubt.title = doubt;
      item.doubt.className = problem ? "problem" : "doubt";
    }
    const items = this.#items.filter((item) => item.known?.model === model && item.known.embedding);
    const images = items.flatMap(({ known }) => known?.embedding ? [known.embedding] : []);
    return { images, items };
  }

  /** Shows a reference's score; the best one is marked. */
  show(item: Reference, scored: Match, threshold: number, doubtful: boolean, best: boolean): void {
    item.meter.show(scored.similarity, threshold, scored.same, doubtful);
    item.number.textContent = scored.similarity.toFixed(3);
    item.card.classList.toggle("best", best);
  }

  /** Removes one; the focus goes to the next one's button. */
  #remove(item: Reference): void {
    const beside = item.card.nextElementSibling ?? item.card.previousElementSibling;
    this.#items = this.#items.filter((other) => other !== item);
    item.card.remove();
    URL.revokeObjectURL(item.picture.url);
    this.removed();
    beside?.querySelector<HTMLElement>(".remove")?.focus();
  }
}

async function embed(picture: Picture, model: string): Promise<{ embedding?: Embedding; doubt: string; problem: string }> {
  const { results: [result] } = await client.embed([picture.file], { model });
  if (!result) throw new Error("The server gave no embedding.");
  if (result.error) return { doubt: "", problem: wordsForItem(result.error) };
  return { embedding: result.embedding, doubt: doubtOf(result), problem: "" };
}
