// Files that something was not done with, and why.

import { element } from "./element";
import { short } from "./picker";
import type { Problem } from "./sending";

/** How many are listed. */
const most = 200;

/** A list that opens by a click; hidden while there is nothing in it. */
export class Problems {
  readonly root: HTMLElement;
  readonly #title = element("summary");
  readonly #list = element("ul", { className: "problems", "aria-label": "Problems" });
  #shown: readonly Problem[] = [];
  #count = 0;

  /** @param what says what can't be done with them, such as "can't be kept". */
  constructor(private readonly what: string) {
    this.root = element("details", { hidden: true }, this.#title, this.#list);
  }

  /** Shows these; a list that grows is not made again. */
  show(problems: readonly Problem[]): void {
    if (problems !== this.#shown) {
      this.#list.replaceChildren();
      this.#count = 0;
    }
    this.#shown = problems;
    for (; this.#count < Math.min(most, problems.length); this.#count++) {
      const { name = "", words = "" } = problems[this.#count] ?? {};
      this.#list.append(element("li", { className: "problem" }, words.includes(name) ? words : `${short(name)}: ${words}`));
    }
    this.root.hidden = problems.length === 0;
    const left = problems.length - this.#count;
    this.#title.textContent = `${problems.length.toLocaleString("en")} ${this.what}${left > 0 ? `; the first ${most}` : ""}`;
  }
}
