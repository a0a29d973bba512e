// The view that ranks many pictures by how alike they are to one.

import type { Match, Ranking as Answer } from "siamese-client/web";
import { client } from "./client";
import { button, element, png } from "./element";
import { wordsFor } from "./failure";
import { DropZone } from "./dropzone";
import { Notice } from "./notice";
import { Picker, short } from "./picker";
import { bytesOf, glance, pictureFrom, type Named, type Picture } from "./picture";
import { Candidate, Ranking } from "./ranking";
import { rankings, Samples } from "./samples";
import type { Server } from "./server";
import { Clock } from "./timings";
import { caution, doubtOf, verdictOf } from "./verdict";

/** Candidates of one call: few enough that the list grows while it is looked at. */
const partSize = 32;
/** Up to how many candidates their pictures are shown as the network saw them; those are many bytes. */
const preparedUpTo = 64;

/** A picker for the query, a zone for the candidates, a list that is best first. */
export class RankView {
  readonly picker: Picker;
  readonly zone: DropZone;
  #query: Picture | undefined;
  readonly #ranking: Ranking;
  readonly #summary = element("p", { className: "quiet", "aria-live": "polite" });
  readonly #knows = element("p", { className: "quiet knows" });
  readonly #doubt = element("div");
  readonly #details = element("div");
  readonly #bar = element("progress", { "aria-label": "Ranked" });
  readonly #count = element("span", { className: "quiet number" });
  readonly #progress = element("div", { className: "row progress", hidden: true }, this.#bar, this.#count, button("Cancel", () => this.#cancel()));
  readonly #onward = button("Go on", () => void this.#run(), { hidden: true });
  readonly #notice: Notice;
  #clock = new Clock();
  #answer: Answer | undefined;
  /** Ends the calls under way; undefined while there are none. */
  #running: AbortController | undefined;

  constructor(root: HTMLElement, private readonly server: Server) {
    this.#notice = new Notice(server, () => void this.#run());
    server.models.onChange(() => this.#begin());
    this.#ranking = new Ranking(server, () => this.#removed());
    this.picker = new Picker({ label: "Picture to look for", server, taken: (picture) => { this.#query = picture; this.#begin(); } });
    this.zone = new DropZone({ label: "Candidates", many: true, folders: true, server, given: (files) => void this.#add(files) });
    const samples = new Samples(rankings, ([query, ...others]) => { this.#ranking.clear(); void this.#add(others); if (query) void this.picker.take(query); });
    root.append(element("div", { className: "pair" }, this.picker.zone.root, this.zone.root), samples.root, this.#notice.root, this.#progress,
      this.#summary, this.#knows, this.#doubt, element("div", { className: "row" }, this.#onward), this.#ranking.root, this.#details);
  }

  /** Adds candidates; what is no picture is listed as such. */
  async #add(files: Named[]): Promise<void> {
    const candidates = files.map((file) => new Candidate(file));
    this.zone.tell(candidates.length > 1 ? `Looking at ${candidates.length} files …` : "");
    for (const candidate of candidates) {
      await glance(candidate.given, this.server.bounds).catch((error: unknown) => candidate.refuse(wordsFor(error)));
    }
    this.zone.tell();
    this.#ranking.add(candidates);
    await this.#run();
  }

  /** Forgets all scores, which were another picture's or model's, and ranks. */
  #begin(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#ranking.forget();
    this.#clock = new Clock();
    this.#answer = undefined;
    void this.#run();
  }

  #cancel(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#show();
  }

  #removed(): void {
    if (this.#ranking.size === 0) this.zone.focus();
    if (!this.#running) this.#show();
  }

  /** Ranks what has no score yet, call by call, as far as it goes. */
  async #run(): Promise<void> {
    this.#notice.clear();
    const query = this.#query;
    if (this.#running || !query || this.#ranking.waiting.length === 0) { this.#show(); return; }
    const running = this.#running = new AbortController();
    this.#show();
    try {
      const encoded = await bytesOf(query.file);
      while (!running.signal.aborted && this.#ranking.waiting.length > 0) {
        const paced = new Promise((resolve) => setTimeout(resolve, this.server.pace));
        if (await this.#call(encoded, running.signal)) await paced;
        if (!running.signal.aborted) this.#show();
      }
    } catch (error) {
      if (!running.signal.aborted) this.#notice.show(error);
    }
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#show();
  }

  /** Has the next candidates scored; false where none of them could be sent. */
  async #call(query: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const part = await this.#next(query.length, signal);
    if (part.length === 0 || signal.aborted) return false;
    const began = performance.now();
    const answer = await client.rank(query, part.map(({ encoded }) => encoded), {
      includePrepared: !this.#answer || this.#ranking.size <= preparedUpTo, model: this.server.models.name, signal,
    });
    if (signal.aborted) return false;
    this.#clock.add(answer.timings, began);
    this.#answer ??= answer;
    for (const match of answer.matches) this.#score(part[match.index]?.candidate, match, answer);
    for (const [index, error] of answer.failed) part[index]?.candidate.fail(error);
    return true;
  }

  #score(candidate: Candidate | undefined, ranked: Match, answer: Answer): void {
    if (!candidate) return;
    if (this.#ranking.size > preparedUpTo) ranked.prepared = undefined;
    candidate.score = { ranked, byOther: ranked.model.digest !== answer.model?.digest, threshold: this.server.models.thresholdOf(ranked, answer) };
  }

  /** The next candidates of a call that the server takes, with their bytes. */
  async #next(queryBytes: number, signal: AbortSignal): Promise<{ candidate: Candidate; encoded: Uint8Array }[]> {
    const { callBytes, candidates: most } = this.server.bounds;
    const part: { candidate: Candidate; encoded: Uint8Array }[] = [];
    let room = callBytes - queryBytes;
    for (const candidate of this.#ranking.waiting) {
      if (part.length === Math.min(most, partSize) || signal.aborted) break;
      try {
        candidate.picture ??= await pictureFrom(candidate.given, this.server.bounds);
        room -= candidate.picture.file.size;
        if (room < 0 && part.length > 0) break;
        part.push({ candidate, encoded: await bytesOf(candidate.picture.file) });
      } catch (error) {
        candidate.refuse(wordsFor(error));
      }
    }
    return part;
  }

  /** Shows how far it is, and the list. */
  #show(): void {
    const { waiting, size, scored: { length: done } } = this.#ranking;
    const doubt = this.#answer && done > 0 ? doubtOf(this.#answer) : "";
    this.#progress.hidden = !this.#running;
    this.#onward.hidden = this.#running !== undefined || !this.#query || waiting.length === 0;
    this.#bar.max = size;
    this.#bar.value = size - waiting.length;
    this.#count.textContent = `${(size - waiting.length).toLocaleString("en")} of ${size.toLocaleString("en")}`;
    this.#ranking.show(doubt);
    const words = this.#running ? "" : this.#summarize(waiting.length, done);
    if (this.#summary.textContent !== words) this.#summary.textContent = words;
    this.#knows.textContent = this.#ranking.models.map((model) => this.server.models.knowledgeOf(model)).join(" ");
    this.#doubt.replaceChildren(caution(doubt) ?? "");
    this.#details.replaceChildren(...(this.#answer && done > 0 ? [
      element("figure", {}, png(this.#answer.preparedQuery, "The picture to look for as the network saw it"), element("figcaption", { className: "quiet" }, "What the network saw")),
      this.#clock.table(),
    ] : []));
  }

  #summarize(waiting: number, done: number): string {
    const { size } = this.#ranking;
    if (size === 0) return "";
    const many = size === 1 ? "1 candidate" : `${size.toLocaleString("en")} candidates`;
    const [best] = this.#ranking.scored;
    if (!best?.score) return this.#query ? `${many}, none of them ranked.` : `${many}; choose the picture to look for.`;
    const { ranked, threshold } = best.score;
    const left = size - done - waiting;
    return `Best of ${done.toLocaleString("en")}: ${short(best.name)}, ${ranked.similarity.toFixed(4)}, ${verdictOf(ranked.same)} (threshold ${threshold.toFixed(2)}, ${this.server.models.titleOf(ranked.model)}).` +
      (waiting > 0 ? ` ${waiting.toLocaleString("en")} are still to be ranked.` : "") +
      (left > 0 ? ` ${left.toLocaleString("en")} can't be ranked: the end of the list says why.` : "");
  }
}
