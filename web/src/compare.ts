// The view that compares two pictures.

import type { Comparison } from "siamese-client/web";
import { client } from "./client";
import { element, png } from "./element";
import { Notice } from "./notice";
import { Picker } from "./picker";
import type { Picture } from "./picture";
import { pairs, Samples } from "./samples";
import type { Server } from "./server";
import { Clock } from "./timings";
import { badge, caution, doubtOf, Meter, verdictOf } from "./verdict";

/** Two pickers; as soon as both have a picture the answer is shown. */
export class CompareView {
  readonly pickers: Picker[];
  readonly #chosen: (Picture | undefined)[] = [undefined, undefined];
  readonly #result = element("div", { className: "result", role: "region", "aria-label": "Result", hidden: true });
  readonly #waiting = element("p", { className: "quiet waiting", hidden: true }, "Comparing …");
  readonly #spoken = element("p", { className: "spoken", "aria-live": "polite" });
  readonly #notice: Notice;
  #asked = 0;

  constructor(root: HTMLElement, private readonly server: Server) {
    server.models.onChange(() => void this.#compare());
    this.#notice = new Notice(server, () => void this.#compare());
    this.pickers = ["First picture", "Second picture"].map((label, side) => new Picker({
      label, server, taken: (picture) => { this.#chosen[side] = picture; void this.#compare(); },
    }));
    const samples = new Samples(pairs, (files) => files.forEach((file, side) => void this.pickers[side]?.take(file)));
    root.append(element("div", { className: "pair" }, ...this.pickers.map((picker) => picker.zone.root)), samples.root,
      this.#notice.root, this.#waiting, this.#result, this.#spoken);
  }

  /** Takes away what was shown, and compares the pictures that are there. */
  async #compare(): Promise<void> {
    const asked = ++this.#asked;
    const [a, b] = this.#chosen;
    this.#result.hidden = true;
    this.#spoken.textContent = "";
    this.#notice.clear();
    this.#waiting.hidden = !a || !b;
    if (!a || !b) return;
    try {
      const clock = new Clock();
      const began = performance.now();
      const answer = await client.compare(a.file, b.file, { includePrepared: true, model: this.server.models.name });
      clock.add(answer.timings, began);
      if (asked === this.#asked) this.#show(answer, clock);
    } catch (error) {
      if (asked === this.#asked) this.#notice.show(error);
    }
    if (asked === this.#asked) this.#waiting.hidden = true;
  }

  #show(answer: Comparison, clock: Clock): void {
    const { similarity, same, threshold } = answer;
    const { models } = this.server;
    const doubt = doubtOf(answer);
    const meter = new Meter("Similarity");
    meter.show(similarity, threshold, same, doubt !== "");
    this.#result.replaceChildren(
      element("div", { className: "score" }, element("output", { className: "similarity" }, similarity.toFixed(4)), badge(same, doubt !== ""),
        element("span", { className: "quiet" }, `threshold ${threshold.toFixed(2)} · ${models.titleOf(answer.model)}`)),
      meter.root, caution(doubt) ?? "",
      element("p", { className: "quiet knows" }, models.knowledgeOf(answer.model)),
      element("figure", {}, element("div", { className: "row" },
        png(answer.preparedA, "The first picture as the network saw it"), png(answer.preparedB, "The second picture as the network saw it")),
        element("figcaption", { className: "quiet" }, "What the network saw")),
      clock.table());
    this.#result.hidden = false;
    this.#spoken.textContent = `${verdictOf(same)}: similarity ${similarity.toFixed(4)}, threshold ${threshold.toFixed(2)}. ${doubt}`.trim();
  }
}
