// A message about something that failed, with a way to try again.

import { button, element } from "./element";
import { hopeFor, isPassing, waitOf, wordsFor } from "./failure";
import type { Server } from "./server";

/** A line that tells of the last failure; it tries again when that can go well. */
export class Notice {
  readonly root = element("div", { className: "notice", role: "alert", hidden: true });
  #passing = false;
  #timer = 0;

  constructor(private readonly server: Server, private readonly again: () => void) {
    server.onReady(() => { if (this.#passing) this.again(); });
  }

  /** Shows why something failed. */
  show(error: unknown): void {
    clearTimeout(this.#timer);
    this.#passing = isPassing(error);
    const wait = waitOf(error);
    if (wait !== undefined) this.#timer = setTimeout(this.again, wait);
    const words = `${wordsFor(error)} ${hopeFor(error)}`.trim();
    this.root.replaceChildren(element("span", {}, words), button("Try again", this.again));
    this.root.hidden = false;
    this.server.failed(error);
  }

  /** Takes the message away. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#passing = false;
    this.root.hidden = true;
    this.root.replaceChildren();
  }
}
