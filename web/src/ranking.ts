// The list of candidates, best first, and the table of it.

import type { Match, ModelReference, SiameseError } from "siamese-client/web";
import { csv, download } from "./csv";
import { button, element, png } from "./element";
import { wordsForItem } from "./failure";
import { short, tile } from "./picker";
import type { Named, Picture } from "./picture";
import type { Server } from "./server";
import { badge, doubtOf, Meter, verdictOf } from "./verdict";

/** How many rows are shown at first, and how many more each time. */
const page = 100;

/** What a model found of a candidate, whether it is another than most are scored by, and the threshold of the verdict, 0 to 1. */
interface Score { ranked: Match; byOther: boolean; threshold: number }

/** A file that was given as a candidate, and what has become of it. */
export class Candidate {
  readonly name: string;
  /** What is sent; made when it is its turn. */
  picture: Picture | undefined;
  score: Score | undefined;
  /** Why it has no score; empty where nothing is known against it. */
  problem = "";
  #byServer = false;

  constructor(readonly given: Named) { this.name = given.name; }

  /** Tells why it is not sent. */
  refuse(problem: string): void { this.problem = problem; }

  /** Takes the server's word that it has no score, which another call may not repeat. */
  fail(error: SiameseError): void { this.problem = wordsForItem(error); this.#byServer = true; }

  /** Forgets what the server said of it. */
  forget(): void {
    this.score = undefined;
    if (this.#byServer) this.problem = "";
    this.#byServer = false;
  }
}

/** Candidates with their scores as a list. */
export class Ranking {
  readonly root = element("div", { hidden: true });
  #items: Candidate[] = [];
  #limit = page;
  #doubt = "";
  readonly #list = element("ol", { className: "ranking", "aria-label": "Ranking" });
  readonly #more = button("Show more", () => { this.#limit += page; this.show(this.#doubt); });
  readonly #rows = new Map<Candidate, { made: unknown[]; row: HTMLElement }>();

  /** @param removed is called when the person has removed candidates. */
  constructor(private readonly server: Server, private readonly removed: () => void) {
    this.root.append(element("div", { className: "row" },
      button("Download CSV", () => download(this.#table(), "ranking.csv")),
      button("Remove all", () => { this.clear(); removed(); })), this.#list, this.#more);
  }

  get size(): number { return this.#items.length; }

  /** Those that have no score and nothing against them, in the order in which they came. */
  get waiting(): Candidate[] { return this.#items.filter((item) => !item.score && !item.problem); }

  /** Those that have a score, best first. */
  get scored(): Candidate[] {
    return this.#items.filter((item) => item.score).sort((a, b) => (b.score?.ranked.similarity ?? 0) - (a.score?.ranked.similarity ?? 0));
  }

  /** The models that scored them. */
  get models(): ModelReference[] {
    const all = new Map<string, ModelReference>();
    for (const { score } of this.#items) if (score) all.set(score.ranked.model.digest, score.ranked.model);
    return [...all.values()];
  }

  add(candidates: Candidate[]): void { this.#items.push(...candidates); }

  /** Forgets all scores. */
  forget(): void { for (const item of this.#items) item.forget(); }

  /** Removes all. */
  clear(): void {
    for (const item of this.#items) this.#drop(item);
    this.#items = [];
    this.#limit = page;
  }

  /** Shows the list as it is; a doubt about the picture to look for is one about each score. */
  show(doubt: string): void {
    this.#doubt = doubt;
    const ordered = this.#ordered();
    const focused = document.activeElement;
    this.#list.replaceChildren(...ordered.slice(0, this.#limit).map((item) => this.#row(item)));
    if (focused instanceof HTMLElement && this.#list.contains(focused)) focused.focus(); // it was taken out and put back
    this.root.hidden = ordered.length === 0;
    this.#more.hidden = ordered.length <= this.#limit;
    this.#more.textContent = `Show more (${(ordered.length - this.#limit).toLocaleString("en")} left)`;
  }

  /** Best first, then those that wait, then those that can't be ranked. */
  #ordered(): Candidate[] {
    return [...this.scored, ...this.waiting, ...this.#items.filter((item) => !item.score && item.problem)];
  }

  /** A candidate's row, made again only when something has changed: pictures would flicker. */
  #row(item: Candidate): HTMLElement {
    const state = [item.picture, item.score, item.problem, this.#doubt !== ""];
    const old = this.#rows.get(item);
    if (old && state.every((value, at) => value === old.made[at])) return old.row;
    const row = this.#make(item);
    this.#rows.set(item, { made: state, row });
    return row;
  }

  #make(item: Candidate): HTMLElement {
    const { name, picture, score, problem } = item;
    const about = element("div", { className: "grow" }, element("span", { className: "name", title: name }, short(name)));
    if (picture?.note) about.append(element("span", { className: "quiet", title: picture.note }, " · shrunk"));
    const row = element("li", {}, score?.ranked.prepared ? png(score.ranked.prepared, `${name} as the network saw it`) : tile(name, picture), about);
    if (score) {
      const { ranked, byOther, threshold } = score;
      const doubt = doubtOf(ranked);
      const doubtful = doubt !== "" || this.#doubt !== "";
      const meter = new Meter(`Similarity of ${name}`);
      meter.show(ranked.similarity, threshold, ranked.same, doubtful);
      about.append(element("span", { className: "quiet" }, byOther ? ` · ${this.server.models.titleOf(ranked.model)}` : ""), meter.root,
        doubt ? element("span", { className: "doubt", title: doubt }, ranked.familiarity?.foreign ? "Foreign to the model" : "Means little") : "");
      row.append(element("span", { className: "number" }, ranked.similarity.toFixed(4)), element("span", { className: "verdict" }, badge(ranked.same, doubtful)));
    } else {
      about.append(problem ? element("div", { className: "problem" }, problem) : "");
    }
    row.append(button("✕", () => this.#remove(item), { className: "remove", "aria-label": `Remove ${name}` }));
    return row;
  }

  /** Removes one; the focus goes to the next one's button. */
  #remove(item: Candidate): void {
    const row = this.#rows.get(item)?.row;
    const beside = row?.nextElementSibling ?? row?.previousElementSibling;
    this.#items = this.#items.filter((other) => other !== item);
    this.#drop(item);
    this.show(this.#doubt);
    this.removed();
    beside?.querySelector<HTMLElement>(".remove")?.focus();
  }

  #drop(item: Candidate): void {
    if (item.picture) URL.revokeObjectURL(item.picture.url);
    this.#rows.delete(item);
  }

  /** All candidates in the list's order. */
  #table(): Blob {
    return csv([["name", "similarity", "verdict", "threshold", "model", "familiarity", "warning", "error"],
      ...this.#ordered().map(({ name, score, problem }) => score ? [
        name, score.ranked.similarity.toFixed(6), verdictOf(score.ranked.same).toLowerCase(), score.threshold.toFixed(4), score.ranked.model.name,
        score.ranked.familiarity?.value.toFixed(6), doubtOf(score.ranked) || this.#doubt, "",
      ] : [name, "", "", "", "", "", "", problem || "not ranked yet"])]);
  }
}
