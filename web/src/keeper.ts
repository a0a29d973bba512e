// The place where pictures are put into a gallery.

import type { Gallery } from "siamese-client/web";
import { button, element } from "./element";
import { DropZone } from "./dropzone";
import { Notice } from "./notice";
import type { Named } from "./picture";
import { Problems } from "./problems";
import { Progress } from "./progress";
import { Sending } from "./sending";
import type { Server } from "./server";

/** Takes files and folders, and has the server keep them. */
export class Keeper {
  readonly zone: DropZone;
  /** How far it is, and what has become of the files. */
  readonly report: HTMLElement;
  readonly #folders = element("input", { type: "checkbox" });
  readonly #progress = new Progress("Kept", () => { this.#cancel(); this.kept(); });
  readonly #onward = button("Go on", () => void this.#run(), { hidden: true });
  readonly #summary = element("p", { className: "quiet", "aria-live": "polite" });
  readonly #problems = new Problems("can't be kept");
  readonly #notice: Notice;
  #sending: Sending | undefined;
  /** Ends the call under way; undefined while there is none. */
  #running: AbortController | undefined;

  /**
   * @param busy is told whether pictures are on their way.
   * @param kept is called when the gallery holds more than before.
   */
  constructor(private readonly server: Server, private readonly gallery: () => Gallery | undefined, private readonly busy: (isBusy: boolean) => void, private readonly kept: () => void) {
    this.#notice = new Notice(server, () => void this.#run());
    this.zone = new DropZone({ label: "Pictures to keep", many: true, folders: true, shy: true, server, given: (files) => this.#take(files) });
    this.zone.root.append(element("label", { className: "check quiet" }, this.#folders, " Pictures of one folder show one thing"));
    this.report = element("div", {}, this.#notice.root, this.#progress.root, this.#summary, element("div", { className: "row" }, this.#onward), this.#problems.root);
  }

  /** Ends what is under way and forgets it: another gallery is chosen. */
  forget(): void {
    this.#cancel();
    this.#sending = undefined;
    this.#show();
  }

  #take(files: Named[]): void {
    const gallery = this.gallery()?.name;
    if (gallery === undefined) return;
    if (!this.#sending?.left) this.#sending = new Sending(this.server, gallery, [], ({ name }) => ({ id: textOf(name), thing: this.#folders.checked ? folderOf(name) : "" }));
    this.#sending.files.push(...files.map(lasting));
    void this.#run();
  }

  #cancel(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#show();
  }

  async #run(): Promise<void> {
    const sending = this.#sending;
    this.#notice.clear();
    if (this.#running || !sending || sending.left === 0) { this.#show(); return; }
    const running = this.#running = new AbortController();
    this.#show();
    let failed = false;
    try {
      while (!running.signal.aborted && sending.left > 0) {
        const paced = new Promise((resolve) => setTimeout(resolve, this.server.pace));
        await sending.next(running.signal);
        if (running.signal.aborted) return;
        this.#show();
        if (sending.left > 0) await paced;
      }
    } catch (error) {
      failed = true;
      if (!running.signal.aborted) this.#notice.show(error);
    }
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#show();
    if (!failed) this.kept();
  }

  #show(): void {
    const sending = this.#sending, running = this.#running;
    this.busy(running !== undefined);
    this.#onward.hidden = running !== undefined || !sending?.left;
    if (sending && running) this.#progress.show(sending.done, sending.files.length);
    else this.#progress.hide();
    const words = sending && !running ? wordsOf(sending) : "";
    if (this.#summary.textContent !== words) this.#summary.textContent = words;
    this.#problems.show(sending?.problems ?? []);
  }
}

/** What has become of files, in a sentence or two. */
function wordsOf({ kept, gallery, left, foreign }: Sending): string {
  const parts = ([[kept.added, "added"], [kept.replaced, "put in place of those of the same names"], [kept.unchanged, "there already"]] as const)
    .filter(([count]) => count > 0).map(([count, what]) => `${count.toLocaleString("en")} ${what}`);
  return [
    parts.length > 0 ? `${gallery}: ${parts.join(", ")}.` : "",
    foreign > 0 ? `${foreign.toLocaleString("en")} of them ${foreign === 1 ? "is" : "are"} foreign to the model.` : "",
    left > 0 ? `${left.toLocaleString("en")} are still to be kept.` : "",
  ].filter(Boolean).join(" ");
}

/** Pictures from the clipboard and the camera are called alike each time; of the time they have names of their own. */
function lasting({ name, file }: Named): Named {
  if (!/^(image\.png|pasted|snapshot \d+\.jpg)$/.test(name)) return { name, file };
  const time = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  return { name: name.replace(/^(image|pasted|snapshot)/, (kind) => `${kind} ${time}`), file };
}

/** The most bytes of an entry's id or thing. */
const longest = 256;

/** A name as an id: without control characters, its end where it is too long. */
function textOf(name: string): string {
  const letters = [...name.replace(/\p{Cc}+/gu, " ")];
  const cut = (from: number) => from === 0 ? letters.join("") : `…${letters.slice(from).join("")}`;
  let from = 0;
  while (new TextEncoder().encode(cut(from)).length > longest) from++;
  return cut(from);
}

/** The folder that a picture is in; empty where it came without one. */
function folderOf(name: string): string { return textOf(name.split("/").slice(0, -1).join("/")); }
