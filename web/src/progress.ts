// How far something is that takes many calls.

import { button, element } from "./element";

/** A bar with numbers beside it and a button that ends what is under way; hidden while nothing is. */
export class Progress {
  readonly root: HTMLElement;
  readonly #bar: HTMLProgressElement;
  readonly #count = element("span", { className: "quiet number" });

  /** @param ends says what the button does. */
  constructor(label: string, cancel: () => void, ends = "Cancel") {
    this.#bar = element("progress", { "aria-label": label });
    this.root = element("div", { className: "row progress", hidden: true }, this.#bar, this.#count, button(ends, cancel));
  }

  /** Shows how many of all are done. */
  show(done: number, all: number): void {
    this.root.hidden = false;
    this.#bar.max = Math.max(1, all);
    this.#bar.value = done;
    this.#count.textContent = `${done.toLocaleString("en")} of ${all.toLocaleString("en")}`;
  }

  /** Shows that something is under way whose end is not known. */
  wait(words: string): void {
    this.root.hidden = false;
    this.#bar.removeAttribute("value");
    this.#count.textContent = words;
  }

  hide(): void { this.root.hidden = true; }
}
