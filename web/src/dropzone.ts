// A place that takes files: dropped, pasted, picked, a whole folder, or from the camera.

import { takeSnapshot } from "./camera";
import { button, element } from "./element";
import { wordsFor } from "./failure";
import { chosen, dropped } from "./folder";
import type { Named } from "./picture";
import type { Server } from "./server";

/** What a DropZone is for. */
export interface ZoneOptions {
  label: string; server: Server;
  /** Whether it takes many files, and whether folders can be chosen too. */
  many?: boolean; folders?: boolean;
  /** Whether it takes what is pasted only while it has the focus. */
  shy?: boolean;
  /** Whether the camera can be used. Default: it can. */
  camera?: boolean;
  given: (files: Named[]) => void;
}

let snapshots = 0;

/** A drop zone with buttons. */
export class DropZone {
  readonly root: HTMLElement;
  /** What is in the middle: a hint, or the picture. */
  readonly stage = element("div", { className: "stage" });
  readonly #note = element("p", { className: "quiet note", "aria-live": "polite" });
  readonly #problem = element("p", { className: "problem", role: "alert" });
  readonly #inputs: HTMLInputElement[] = [];
  readonly #input: HTMLInputElement;

  constructor(private readonly options: ZoneOptions) {
    const { label, many = false, folders = false, camera = true } = options;
    this.#input = this.#inputOf({ accept: "image/*,.tif,.tiff,.bmp,.webp,.heic,.heif,.avif", multiple: many });
    const buttons = [button(many ? "Choose files" : "Choose file", () => this.#input.click(), { "aria-label": `Choose ${many ? "files" : "a file"} for ${label}` })];
    if (folders) {
      const folder = this.#inputOf({ webkitdirectory: true });
      buttons.push(button("Folder", () => folder.click(), { "aria-label": `Choose a folder for ${label}` }));
    }
    if (camera) buttons.push(button("Camera", () => void this.#snapshot(), { "aria-label": `Take ${label} with the camera` }));
    this.root = element("div", { className: "picker", role: "group", "aria-label": label },
      element("h2", {}, label), this.stage, element("div", { className: "row" }, ...buttons), this.#note, this.#problem, ...this.#inputs);
    this.clear();
    this.#listen();
  }

  /** Whether this takes one more picture without losing one. */
  get free(): boolean { return !this.options.shy && (this.options.many === true || !this.stage.querySelector("img,.file")); }

  /** Hands files on, as if they had been dropped. */
  give(files: Named[]): void {
    if (files.length > 0) this.options.given(this.options.many ? files : files.slice(0, 1));
  }

  /** Shows the hint in the middle, and no words. */
  clear(): void {
    const { many, folders } = this.options;
    this.stage.replaceChildren(element("span", { className: "hint" }, folders ? "Drop pictures or a folder here, or paste" : many ? "Drop or paste pictures here" : "Drop or paste a picture here"));
    this.tell();
  }

  /** Shows what there is to know of the picture, and what is wrong. */
  tell(note = "", problem = ""): void {
    this.#note.textContent = note;
    this.#problem.textContent = problem;
  }

  /** Puts the focus on its first button. */
  focus(): void { this.root.querySelector("button")?.focus(); }

  #inputOf(properties: Record<string, unknown>): HTMLInputElement {
    const input = element("input", { type: "file", hidden: true, ...properties });
    input.addEventListener("change", () => { const files = chosen(input); input.value = ""; this.give(files); });
    this.#inputs.push(input);
    return input;
  }

  async #snapshot(): Promise<void> {
    try {
      const file = await takeSnapshot(this.options.server.models.frameSide);
      if (file) this.give([{ name: `snapshot ${++snapshots}.jpg`, file }]);
    } catch (error) {
      this.tell("", wordsFor(error));
    }
  }

  #listen(): void {
    this.stage.addEventListener("click", () => this.#input.click());
    this.root.addEventListener("dragover", (event) => { event.preventDefault(); this.root.classList.add("over"); });
    this.root.addEventListener("dragleave", () => this.root.classList.remove("over"));
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      this.root.classList.remove("over");
      void dropped(event.dataTransfer).then((files) => files.length > 0 ? this.give(files) : this.tell("", "There is no file in that."));
    });
  }
}

/** Gives pasted files to the zone that has the focus, else to the first free one. */
export function takePasted(zones: DropZone[]): void {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData?.files ?? []].map((file) => ({ name: file.name || "pasted", file }));
    const seen = zones.filter((zone) => zone.root.offsetParent !== null);
    const target = seen.find((zone) => zone.root.contains(document.activeElement)) ?? seen.find((zone) => zone.free) ?? seen[0];
    target?.give(files);
  });
}
