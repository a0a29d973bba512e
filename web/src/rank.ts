// The view that ranks many pictures by how alike they are to one.

import { client, imageOf } from "./client";
import { button, element, png } from "./element";
import { wordsForItem } from "./failure";
import type { RankedCandidate, RankResponse } from "./gen/siamese/v1/rank_pb.js";
import { Notice } from "./notice";
import { Picker, portrait } from "./picker";
import type { Picture } from "./picture";
import type { Server } from "./server";
import { badge, caution, doubtOf, Meter, timingTable, verdictOf } from "./verdict";

interface Row { picture: Picture; scored?: RankedCandidate; problem?: string }

/** Bytes of a call beside its pictures: names of fields, lengths. */
const messageOverhead = 64 << 10;

/** One picker for the query, one for the candidates, a list that is best first. */
export class RankView {
  readonly pickers: Picker[];
  private query: Picture | undefined;
  private candidates: Picture[] = [];
  private readonly list = element("ol", { className: "ranking", "aria-label": "Ranking" });
  private readonly summary = element("p", { className: "quiet", "aria-live": "polite" });
  private readonly doubt = element("div");
  private readonly details = element("div");
  private readonly notice: Notice;
  private asked = 0;

  constructor(root: HTMLElement, private readonly server: Server) {
    this.notice = new Notice(server, () => void this.rank());
    server.models.onChange(() => void this.rank());
    this.pickers = [
      new Picker({ label: "Picture to look for", many: false, server, taken: ([picture]) => { this.query = picture; void this.rank(); } }),
      new Picker({ label: "Candidates", many: true, server, taken: (pictures) => { this.candidates.push(...pictures); void this.rank(); } }),
    ];
    root.append(element("div", { className: "pair" }, ...this.pickers.map((picker) => picker.root)),
      this.notice.root, this.summary, this.doubt, this.list, this.details);
  }

  private async rank(): Promise<void> {
    const { query, candidates } = this;
    const asked = ++this.asked;
    if (!query || candidates.length === 0) {
      this.show(candidates.map((picture) => ({ picture })), undefined);
      this.summary.textContent = candidates.length === 0 ? "" : `${candidates.length} candidates; choose the picture to look for.`;
      return;
    }
    this.list.setAttribute("aria-busy", "true");
    try {
      const rows: Row[] = [];
      let last: RankResponse | undefined;
      for (const part of this.parts(query, candidates)) {
        last = await client.rank({
          query: imageOf(query.encoded), candidates: part.map((picture) => imageOf(picture.encoded)),
          options: { includePrepared: true, model: this.server.models.name },
        });
        rows.push(...rowsOf(last, part));
      }
      if (asked !== this.asked) return;
      this.notice.clear();
      this.show(rows, last);
    } catch (error) {
      if (asked === this.asked) { this.summary.textContent = ""; this.notice.show(error); }
    } finally {
      this.list.removeAttribute("aria-busy");
    }
  }

  /** Cuts the candidates into calls that the server takes. */
  private parts(query: Picture, candidates: Picture[]): Picture[][] {
    const { messageBytes, candidates: most } = this.server.bounds;
    const parts: Picture[][] = [];
    let room = 0;
    for (const picture of candidates) {
      const part = parts.at(-1);
      if (!part || part.length >= most || picture.encoded.length > room) {
        parts.push([picture]);
        room = messageBytes - messageOverhead - query.encoded.length;
      } else {
        part.push(picture);
      }
      room -= picture.encoded.length;
    }
    return parts;
  }

  private show(rows: Row[], answer: RankResponse | undefined): void {
    rows.sort((a, b) => (b.scored?.similarity ?? -1) - (a.scored?.similarity ?? -1));
    this.list.replaceChildren(...rows.map((row) => this.row(row, answer)));
    const best = rows[0];
    if (best?.scored && answer) {
      const { similarity, same, model = answer.model } = best.scored;
      this.summary.textContent = `Best of ${rows.length}: ${best.picture.name}, ${similarity.toFixed(4)}, ${verdictOf(same)} (threshold ${this.threshold(best.scored, answer).toFixed(2)}, ${this.server.models.titleOf(model)}).`;
    }
    this.doubt.replaceChildren(caution(answer ? doubtOf(answer) : "") ?? "");
    this.details.replaceChildren(...(answer ? [
      element("figure", {}, png(answer.preparedQueryPng, "The picture to look for as the network saw it"), element("figcaption", { className: "quiet" }, "What the network saw")),
      timingTable(answer.timings),
    ] : []));
  }

  /** The threshold of the verdict: that of the model that scored the candidate. */
  private threshold(scored: RankedCandidate, answer: RankResponse): number {
    return (scored.model && this.server.models.thresholdOf(scored.model)) ?? answer.threshold;
  }

  private row({ picture, scored, problem }: Row, answer: RankResponse | undefined): HTMLElement {
    const doubt = scored ? doubtOf(scored) : "";
    const doubtful = doubt !== "" || answer !== undefined && doubtOf(answer) !== "";
    const row = element("li", {}, scored?.preparedPng.length ? png(scored.preparedPng, `${picture.name} as the network saw it`) : portrait(picture));
    const meter = new Meter(`Similarity of ${picture.name}`);
    if (scored && answer) meter.show(scored.similarity, this.threshold(scored, answer), scored.same, doubtful);
    row.append(element("div", { className: "grow" }, element("span", { className: "name" }, picture.name),
      scored?.model ? element("span", { className: "quiet" }, ` · ${this.server.models.titleOf(scored.model)}`) : null,
      scored ? meter.root : problem ? element("span", { className: "problem" }, problem) : null,
      doubt ? element("span", { className: "doubt", title: doubt }, scored?.familiarity?.foreign ? "Foreign to the model" : "Means little") : null));
    if (scored) row.append(element("span", { className: "number" }, scored.similarity.toFixed(4)), badge(scored.same, doubtful));
    row.append(button("✕", () => { this.candidates = this.candidates.filter((other) => other !== picture); void this.rank(); },
      { className: "remove", "aria-label": `Remove ${picture.name}` }));
    return row;
  }
}

/** The candidates of one call with what became of each. */
function rowsOf(answer: RankResponse, part: Picture[]): Row[] {
  const rows: Row[] = part.map((picture) => ({ picture }));
  for (const scored of answer.ranked) {
    const row = rows[scored.index];
    if (row) row.scored = scored;
  }
  for (const failed of answer.errors) {
    const row = rows[failed.index];
    if (row) row.problem = wordsForItem(failed.error);
  }
  return rows;
}
