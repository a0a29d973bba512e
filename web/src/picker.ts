// A place that takes pictures: dropped, pasted, picked or from the camera.

import { takeSnapshot } from "./camera";
import { button, element } from "./element";
import { wordsFor } from "./failure";
import { pictureFrom, type Picture } from "./picture";
import type { Server } from "./server";

/** What a Picker is for. */
export interface PickerOptions { label: string; many: boolean; server: Server; taken: (pictures: Picture[]) => void }

let snapshots = 0;

/** A drop zone with buttons; a single one shows its picture. */
export class Picker {
  readonly root: HTMLElement;
  private readonly stage: HTMLElement;
  private readonly problem = element("p", { className: "problem", role: "alert" });
  private readonly input: HTMLInputElement;

  constructor(private readonly options: PickerOptions) {
    const { label, many } = options;
    this.input = element("input", { type: "file", accept: "image/*,.tif,.tiff,.bmp,.webp", multiple: many, hidden: true });
    this.input.addEventListener("change", () => { void this.take([...this.input.files ?? []]); this.input.value = ""; });
    this.stage = element("div", { className: "stage" }, element("span", { className: "hint" }, many ? "Drop or paste pictures here" : "Drop or paste a picture here"));
    const choose = button(many ? "Choose files" : "Choose file", () => this.input.click(), { "aria-label": `Choose ${many ? "files" : "a file"} for ${label}` });
    const camera = button("Camera", () => void this.snapshot(), { "aria-label": `Take ${label} with the camera` });
    this.root = element("div", { className: "picker", role: "group", "aria-label": label },
      element("h2", {}, label), this.stage, element("div", { className: "row" }, choose, camera), this.problem, this.input);
    this.listen();
  }

  /** Whether the picker is on the page, can be seen, and shows no picture yet. */
  get free(): boolean { return this.root.offsetParent !== null && (this.options.many || !this.stage.querySelector("img,.file")); }

  /** Takes files: those that are no good are told of, the others handed on. */
  async take(files: File[]): Promise<void> {
    const problems: string[] = [];
    const pictures: Picture[] = [];
    for (const file of files.slice(0, this.options.many ? undefined : 1)) {
      try {
        pictures.push(await pictureFrom(file, file.name || "The picture", this.options.server.bounds));
      } catch (error) {
        problems.push(wordsFor(error));
      }
    }
    this.problem.textContent = problems.join(" ");
    if (pictures.length === 0) return;
    if (!this.options.many && pictures[0]) this.show(pictures[0]);
    this.options.taken(pictures);
  }

  private show(picture: Picture): void {
    this.stage.replaceChildren(portrait(picture));
  }

  private async snapshot(): Promise<void> {
    try {
      const frame = await takeSnapshot(this.options.server.models.frameSide);
      if (frame) await this.take([new File([frame], `snapshot ${++snapshots}.jpg`)]);
    } catch (error) {
      this.problem.textContent = wordsFor(error);
    }
  }

  private listen(): void {
    this.stage.addEventListener("click", () => this.input.click());
    this.root.addEventListener("dragover", (event) => { event.preventDefault(); this.root.classList.add("over"); });
    this.root.addEventListener("dragleave", () => this.root.classList.remove("over"));
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      this.root.classList.remove("over");
      void this.take([...event.dataTransfer?.files ?? []]);
    });
  }
}

/** A picture to look at, or its name where the browser can't show it. */
export function portrait(picture: Picture): HTMLElement {
  return picture.shown
    ? element("img", { src: picture.url, alt: picture.name, title: picture.name })
    : element("span", { className: "file" }, picture.name);
}

/** Gives pasted files to the picker that has the focus, else the first free one. */
export function takePasted(pickers: Picker[]): void {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData?.files ?? []];
    const seen = pickers.filter((picker) => picker.root.offsetParent !== null);
    const target = seen.find((picker) => picker.root.contains(document.activeElement)) ?? seen.find((picker) => picker.free) ?? seen[0];
    if (files.length > 0 && target) void target.take(files);
  });
}
