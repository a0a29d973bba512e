// A similarity to look at: number, verdict, bar with the threshold on it.

import type { Familiarity } from "siamese-client/web";
import { element } from "./element";

/** What a similarity means. */
export function verdictOf(same: boolean): string { return same ? "Same" : "Different"; }

/** What is told of pictures that a model scored. */
interface Told { warning: string; familiarity?: Familiarity | undefined; familiarityA?: Familiarity | undefined; familiarityB?: Familiarity | undefined }

/** Why a number means little, in a sentence; empty where nothing is foreign to the model. */
export function doubtOf(told: Told): string {
  const foreign = [told.familiarity, told.familiarityA, told.familiarityB].some((familiarity) => familiarity?.foreign);
  return told.warning || (foreign ? "A picture is foreign to the model: the number means little." : "");
}

/** A doubt to look at; nothing where there is none. */
export function caution(doubt: string): HTMLElement | null {
  return doubt ? element("p", { className: "caution", role: "note" }, `⚠ ${doubt}`) : null;
}

/** A bar from 0 to 1 with the threshold as a mark. */
export class Meter {
  readonly root: HTMLElement;
  readonly #fill = element("span", { className: "fill" });
  readonly #mark = element("span", { className: "mark" });

  constructor(label: string) {
    this.root = element("div", { className: "meter", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 1 }, this.#fill, this.#mark);
    this.clear();
  }

  /** Shows no similarity. */
  clear(): void {
    this.#fill.style.width = "0";
    this.#mark.hidden = true;
    this.root.classList.remove("same", "doubtful");
    this.root.removeAttribute("aria-valuenow");
    this.root.setAttribute("aria-valuetext", "no score");
  }

  /** Shows a similarity, 0 to 1, the threshold and the verdict; a doubtful one in no colour of a verdict. */
  show(similarity: number, threshold: number, same: boolean, doubtful: boolean): void {
    this.#fill.style.width = `${similarity * 100}%`;
    this.#mark.style.left = `${threshold * 100}%`;
    this.#mark.hidden = false;
    this.root.classList.toggle("same", same);
    this.root.classList.toggle("doubtful", doubtful);
    this.root.setAttribute("aria-valuenow", similarity.toFixed(4));
    this.root.setAttribute("aria-valuetext", `${similarity.toFixed(4)}, ${verdictOf(same)}${doubtful ? ", doubtful" : ""}`);
  }
}

/** The verdict as a word with a sign, so that it does not hang on the colour. */
export function badge(same: boolean, doubtful: boolean): HTMLElement {
  if (doubtful) return element("span", { className: "badge doubtful" }, `⚠ ${verdictOf(same)}?`);
  return element("span", { className: same ? "badge same" : "badge" }, `${same ? "✓" : "✕"} ${verdictOf(same)}`);
}
