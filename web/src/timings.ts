// Where the time of calls went.

import type { Timings } from "siamese-client/web";
import { element } from "./element";

const stages: [keyof Timings, string][] = [
  ["decodeMs", "decode"], ["queueMs", "wait"], ["encodeMs", "encode"], ["compareMs", "compare"],
];

/** What the calls of one answer took, in milliseconds: by stage, in the server, and seen from here. */
export class Clock {
  #calls = 0;
  #seen = 0;
  #total = 0;
  readonly #spent = stages.map(() => 0);

  /** Adds a call; began is performance.now() from before it. */
  add(timings: Timings, began: number): void {
    this.#calls++;
    this.#seen += performance.now() - began;
    this.#total += timings.totalMs;
    stages.forEach(([stage], at) => { this.#spent[at] = (this.#spent[at] ?? 0) + timings[stage]; });
  }

  /** A table whose numbers add up, or a line that says why they don't. */
  table(): HTMLElement {
    const rest = tenths(this.#total) - this.#spent.reduce((sum, time) => sum + tenths(time), 0);
    const way = Math.max(0, tenths(this.#seen) - tenths(this.#total));
    const rows: [string, number][] = stages.map(([, name], at) => [name, tenths(this.#spent[at] ?? 0)]);
    if (rest >= 0) rows.push(["the rest", rest]);
    rows.push(["in the server", tenths(this.#total)], ["on the way", way], ["in all", tenths(this.#total) + way]);
    return element("div", { role: "group", "aria-label": "Time by stage" },
      element("dl", { className: "timings" }, ...rows.map(([name, time]) => element("div", {}, element("dt", {}, name), element("dd", {}, `${(time / 10).toFixed(1)} ms`)))),
      element("p", { className: "quiet" }, [
        this.#calls > 1 ? `${this.#calls} calls together.` : "",
        rest < 0 ? `The stages add up to ${(-rest / 10).toFixed(1)} ms more than the time in the server, since they overlap: pictures are decoded side by side, and one waits while another is encoded.` : "",
      ].join(" ").trim()));
  }
}

/** Tenths of a millisecond, as they are shown, so that what is shown adds up. */
function tenths(milliseconds: number): number { return Math.round(milliseconds * 10); }
