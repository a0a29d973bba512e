// The view that holds the camera against references.

import type { Match, ModelReference } from "siamese-client/web";
import { closeCamera, frameOf, openCamera } from "./camera";
import { addressOf, client } from "./client";
import { button, element } from "./element";
import { DropZone } from "./dropzone";
import { wordsFor, wordsForItem } from "./failure";
import { History } from "./history";
import { Notice } from "./notice";
import { pictureFrom, type Named } from "./picture";
import { short } from "./picker";
import { References } from "./references";
import type { Server } from "./server";
import { Clock } from "./timings";
import { badge, caution, doubtOf, verdictOf } from "./verdict";

/** One Rank call at a time, each with the newest frame. */
export class LiveView {
  readonly zone: DropZone;
  readonly #references = new References(() => this.#clear());
  readonly #history = new History();
  readonly #video = element("video", { muted: true, playsInline: true, "aria-label": "Camera" });
  readonly #start = button("Start the camera", () => void this.#toggle(), { className: "main" });
  readonly #keep = button("Take this frame as a reference", () => void this.#keepFrame(), { disabled: true });
  readonly #verdict = element("div", { className: "score" });
  readonly #knows = element("p", { className: "quiet knows" });
  readonly #doubt = element("div", { className: "doubts" });
  readonly #spoken = element("p", { className: "spoken", "aria-live": "polite" });
  readonly #counts = element("p", { className: "quiet counts" }, "The camera is off.");
  readonly #seen = element("img", { className: "prepared", alt: "The frame as the network saw it", hidden: true });
  readonly #details = element("div");
  readonly #notice: Notice;
  #stream: MediaStream | null = null;
  #running = false;
  #kept = 0;
  /** How often what was shown was taken away: an answer from before is not shown. */
  #cleared = 0;

  constructor(root: HTMLElement, private readonly server: Server) {
    this.#notice = new Notice(server, () => this.#goOn());
    server.models.onChange(() => { this.#clear(); this.#goOn(); }); // what is shown is another model's
    this.zone = new DropZone({ label: "References", many: true, server, given: (files) => void this.#take(files) });
    root.append(element("div", { className: "live" },
      element("div", {}, element("div", { className: "screen" }, this.#video), element("div", { className: "row" }, this.#start, this.#keep), this.#counts),
      element("div", {}, this.#verdict, this.#knows, this.#doubt, this.#history.root, this.#references.root, this.zone.root)),
      this.#notice.root, element("div", { className: "row seen" }, this.#seen, this.#details), this.#spoken);
  }

  /** Stops the camera. */
  stop(): void {
    closeCamera(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
    this.#start.textContent = "Start the camera";
    this.#keep.disabled = true;
    this.#counts.textContent = "The camera is off.";
    this.#clear();
  }

  /** Takes away what was shown: it belongs to pictures that are there no more. */
  #clear(): void {
    this.#verdict.replaceChildren();
    this.#knows.textContent = "";
    this.#doubt.replaceChildren();
    this.#spoken.textContent = "";
    this.#history.clear();
    this.#references.clear();
    this.#seen.hidden = true;
    this.#details.replaceChildren();
    this.#cleared++;
  }

  /** Adds references; those that are no good are told of. */
  async #take(files: Named[]): Promise<void> {
    this.zone.tell(files.length > 1 ? `Looking at ${files.length} files …` : "");
    const notes: string[] = [];
    const problems: string[] = [];
    for (const file of files) {
      try {
        const picture = await pictureFrom(file, this.server.bounds);
        this.#references.add(picture);
        if (picture.note) notes.push(`${picture.name}: ${picture.note}`);
      } catch (error) {
        problems.push(wordsFor(error));
      }
    }
    this.#clear();
    this.zone.tell(few(notes), few(problems));
    void this.#loop();
  }

  async #toggle(): Promise<void> {
    if (this.#stream) { this.stop(); return; }
    this.#notice.clear();
    try {
      this.#stream = await openCamera();
      this.#video.srcObject = this.#stream;
      await this.#video.play();
    } catch (error) {
      this.stop();
      this.#notice.show(error);
      return;
    }
    this.#start.textContent = "Stop the camera";
    this.#keep.disabled = false;
    void this.#loop();
  }

  async #keepFrame(): Promise<void> {
    try {
      const file = await frameOf(this.#video, this.server.models.frameSide);
      this.#references.add(await pictureFrom({ name: `frame ${++this.#kept}`, file }, this.server.bounds));
      void this.#loop();
    } catch (error) {
      this.#notice.show(error);
    }
  }

  #goOn(): void {
    this.#notice.clear();
    void this.#loop();
  }

  /** Scores frames until the camera is off, no reference is left or a call fails. */
  async #loop(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#stream && this.#references.count > 0) {
        const paced = new Promise((resolve) => setTimeout(resolve, this.server.pace));
        await this.#score();
        await paced;
      }
      this.#clear();
      if (this.#stream) this.#counts.textContent = "Give a reference to hold the camera against.";
    } catch (error) {
      this.#clear();
      this.#notice.show(error);
    } finally {
      this.#running = false;
    }
  }

  async #score(): Promise<void> {
    const model = this.server.models.name;
    const { images, items } = await this.#references.images(model);
    if (images.length === 0) return;
    const cleared = this.#cleared;
    const grabbed = performance.now();
    const frame = await frameOf(this.#video, this.server.models.frameSide);
    const clock = new Clock();
    const began = performance.now();
    const answer = await client.rank(frame, images, { includePrepared: true, model });
    clock.add(answer.timings, began);
    if (!this.#stream || model !== this.server.models.name || cleared !== this.#cleared) return;
    const [failed] = answer.failed.values();
    if (failed?.reason === "MODEL_MISMATCH") {
      this.#references.forget(); // the next frame finds them embedded again
      return;
    }
    if (failed) throw new Error(wordsForItem(failed));
    answer.matches.forEach((scored, place) => {
      const item = items[scored.index];
      if (!item) return;
      const doubt = doubtOf(answer) || doubtOf(scored) || (item.known?.doubt ?? "");
      const threshold = this.server.models.thresholdOf(scored, answer);
      this.#references.show(item, scored, threshold, doubt !== "", place === 0);
      if (place === 0) this.#showBest(scored, threshold, doubt, item.picture.name, scored.model, grabbed);
    });
    this.#seen.src = answer.preparedQuery ? addressOf(answer.preparedQuery, "image/png") : "";
    this.#seen.hidden = false;
    this.#details.replaceChildren(clock.table());
  }

  #showBest({ similarity, same }: Match, threshold: number, doubt: string, name: string, model: ModelReference, grabbed: number): void {
    const now = performance.now();
    this.#history.add(similarity, threshold, now, now - grabbed);
    const { rate, lag } = this.#history.measure(now);
    this.#verdict.replaceChildren(element("output", { className: "similarity" }, similarity.toFixed(3)), badge(same, doubt !== ""),
      element("span", { className: "quiet" }, `best: ${short(name)} · threshold ${threshold.toFixed(2)} · ${this.server.models.titleOf(model)}`));
    this.#knows.textContent = this.server.models.knowledgeOf(model);
    this.#doubt.replaceChildren(caution(doubt) ?? "");
    this.#counts.textContent = `${rate.toFixed(1)} frames/s scored · lag ${lag.toFixed(0)} ms`;
    // Spoken only when it changes: numbers change with every frame.
    const words = `${same ? `${verdictOf(true)} as ${name}` : "Different from all references"}. ${doubt}`.trim();
    if (this.#spoken.textContent !== words) this.#spoken.textContent = words;
  }
}

/** The first of some sentences, and how many more there are. */
function few(sentences: string[]): string {
  const more = sentences.length - 3;
  return [...sentences.slice(0, 3), more > 0 ? `And ${more} more.` : ""].join(" ").trim();
}
