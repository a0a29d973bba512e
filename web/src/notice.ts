// A message about something that failed, with a way to try again.

import { CallError } from "./client";
import { button, element } from "./element";
import { wordsFor } from "./failure";
import type { Server } from "./server";

/** A line that tells of the last failure; it tries again when the server is back. */
export class Notice {
  readonly root = element("div", { className: "notice", role: "alert", hidden: true });
  private passing = false;

  constructor(private readonly server: Server, private readonly again: () => void) {
    server.onReady(() => { if (this.passing) this.again(); });
  }

  /** Shows why something failed. */
  show(error: unknown): void {
    this.passing = error instanceof CallError && error.passing;
    const words = this.passing ? `${wordsFor(error)} This goes on when the server answers again.` : wordsFor(error);
    this.root.replaceChildren(element("span", {}, words), button("Try again", this.again));
    this.root.hidden = false;
    this.server.failed(error);
  }

  /** Takes the message away. */
  clear(): void {
    this.passing = false;
    this.root.hidden = true;
    this.root.replaceChildren();
  }
}
