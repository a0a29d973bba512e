// The view that compares two pictures.

import { client, imageOf } from "./client";
import { element, png } from "./element";
import type { CompareResponse } from "./gen/siamese/v1/compare_pb.js";
import { Notice } from "./notice";
import { Picker } from "./picker";
import type { Picture } from "./picture";
import type { Server } from "./server";
import { badge, caution, doubtOf, Meter, timingTable, verdictOf } from "./verdict";

/** Two pickers; as soon as both have a picture the answer is shown. */
export class CompareView {
  readonly pickers: Picker[];
  private readonly chosen: (Picture | undefined)[] = [undefined, undefined];
  private readonly result = element("div", { className: "result", role: "region", "aria-label": "Result", hidden: true });
  private readonly spoken = element("p", { className: "spoken", "aria-live": "polite" });
  private readonly notice: Notice;
  private asked = 0;

  constructor(root: HTMLElement, private readonly server: Server) {
    server.models.onChange(() => void this.compare());
    this.notice = new Notice(server, () => void this.compare());
    this.pickers = ["First picture", "Second picture"].map((label, side) => new Picker({
      label, many: false, server, taken: ([picture]) => { this.chosen[side] = picture; void this.compare(); },
    }));
    root.append(element("div", { className: "pair" }, ...this.pickers.map((picker) => picker.root)), this.notice.root, this.result, this.spoken);
  }

  private async compare(): Promise<void> {
    const [a, b] = this.chosen;
    if (!a || !b) return;
    const asked = ++this.asked;
    this.result.setAttribute("aria-busy", "true");
    try {
      const answer = await client.compare({ imageA: imageOf(a.encoded), imageB: imageOf(b.encoded), options: { includePrepared: true, model: this.server.models.name } });
      if (asked === this.asked) this.show(answer);
    } catch (error) {
      if (asked === this.asked) { this.result.hidden = true; this.spoken.textContent = ""; this.notice.show(error); }
    }
    this.result.removeAttribute("aria-busy");
  }

  private show(answer: CompareResponse): void {
    const { similarity, same, threshold } = answer;
    const doubt = doubtOf(answer);
    const model = this.server.models.titleOf(answer.model);
    this.notice.clear();
    const meter = new Meter("Similarity");
    meter.show(similarity, threshold, same, doubt !== "");
    this.result.replaceChildren(
      element("div", { className: "score" }, element("output", { className: "similarity" }, similarity.toFixed(4)), badge(same, doubt !== ""),
        element("span", { className: "quiet" }, `threshold ${threshold.toFixed(2)} · ${model}`)),
      meter.root, caution(doubt) ?? "",
      element("figure", {}, element("div", { className: "row" },
        png(answer.preparedAPng, "The first picture as the network saw it"), png(answer.preparedBPng, "The second picture as the network saw it")),
        element("figcaption", { className: "quiet" }, "What the network saw")),
      timingTable(answer.timings));
    this.result.hidden = false;
    this.spoken.textContent = `${verdictOf(same)}: similarity ${similarity.toFixed(4)}, threshold ${threshold.toFixed(2)}. ${doubt}`.trim();
  }
}
