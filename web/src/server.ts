// What is known of the server: whether it answers, its model, its limits.

import type { Access, ServerInfo } from "siamese-client/web";
import { client } from "./client";
import { button, byId, element } from "./element";
import { isGone, isLocked, isNoModel, waitOf, wordsFor } from "./failure";
import { Models } from "./models";
import { keepToken, TokenForm } from "./token";

/** How often a server that does not answer is asked again, in milliseconds. */
const askAgain = 1500;
/** When a server that is ready is looked at again, in milliseconds: models may be loaded after the first. */
const lookAgain = [4_000, 10_000, 30_000, 60_000];

/** Bytes of a call beside its pictures: names of fields, lengths. */
const messageOverhead = 64 << 10;

/** Limits in numbers, for checks before anything is sent; callBytes are those of all pictures of a call, of which two fit. */
export interface Bounds { imageBytes: number; imagePixels: number; sideRatio: number; callBytes: number; candidates: number; formats: string[] }

/** The server; listeners are told each time it answers again. */
export class Server {
  readonly models = new Models();
  #info: ServerInfo | undefined;
  #asking = false;
  #ready = false;
  readonly #listeners: (() => void)[] = [];
  readonly #token = new TokenForm(() => void this.ask());

  constructor() {
    byId("token").append(this.#token.root);
    byId("model").append(this.models.root);
    this.models.onChange(() => this.#describe());
  }

  /** The server's limits; before it has answered, its usual ones. */
  get bounds(): Bounds {
    const limits = this.#info?.limits;
    const callBytes = (limits?.maxMessageBytes ?? 16 << 20) - messageOverhead;
    return {
      imageBytes: Math.min(limits?.maxImageBytes ?? 7 << 20, callBytes / 2),
      imagePixels: limits?.maxImagePixels ?? 25e6,
      sideRatio: limits?.maxSideRatio ?? 20,
      callBytes,
      candidates: limits?.maxCandidates ?? 256,
      formats: limits?.imageFormats ?? [],
    };
  }

  /** Whether it keeps galleries; undefined before it has answered. */
  get galleries(): boolean | undefined { return this.#info?.galleries; }

  /** Milliseconds between calls that the server puts up with for ever. */
  get pace(): number { return 1000 / (this.#info?.access?.callsPerSecond || Infinity); }

  /** Calls listener each time the server answers after it did not. */
  onReady(listener: () => void): void { this.#listeners.push(listener); }

  /**
   * Tells that a call failed: if the server is gone it is asked until it answers,
   * if it wants a token the person is asked, if it lacks the model it is asked for
   * those that it has.
   */
  failed(error: unknown): void {
    if (isGone(error) || isLocked(error) || isNoModel(error)) void this.ask();
  }

  /** Asks until the server answers, or wants a token. */
  async ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    for (;;) {
      try {
        this.#info = await client.info();
        break;
      } catch (error) {
        this.#ready = false;
        if (isLocked(error)) {
          this.#asking = false;
          this.#show("locked", wordsFor(error));
          this.#token.ask();
          return;
        }
        this.#show("gone", `${wordsFor(error)} Trying again …`);
        await new Promise((resolve) => setTimeout(resolve, waitOf(error) ?? askAgain));
      }
    }
    this.#asking = false;
    this.#ready = true;
    this.#token.hide();
    this.models.update(this.#info);
    this.#describe();
    for (const listener of this.#listeners) listener();
    void this.#lookAgain(this.#info);
  }

  /** Asks a few times more, for as long as this is the newest answer. */
  async #lookAgain(seen: ServerInfo): Promise<void> {
    for (const wait of lookAgain) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.#info !== seen || this.#asking) return;
      const info = await client.info().catch(() => undefined); // the next call tells of a failure
      if (!info || this.#info !== seen || this.#asking) return;
      this.#info = seen = info;
      this.models.update(info);
      this.#describe();
    }
  }

  #show(state: "ready" | "gone" | "locked", words: string): void {
    const line = byId("state");
    line.dataset.state = state;
    if (line.textContent !== words) line.textContent = words;
  }

  #describe(): void {
    const { build, access } = this.#info ?? {};
    const { models: { chosen: model }, bounds } = this;
    if (this.#ready) this.#show("ready", `Ready: ${model?.name ?? "model"} on ${model?.device ?? "?"}`);
    const rows: [string, string | Node][] = [
      ["Model", `${model?.name ?? "?"}, version ${model?.version ?? "?"}`],
      ["Digest of its weights", model?.digest ?? "?"],
      ["Threshold", (model?.threshold ?? 0).toFixed(2)],
      ["Input", `${model?.inputWidth ?? "?"} × ${model?.inputHeight ?? "?"} pixels, ${model?.resizeRule ?? "?"}`],
      ["Embedding", `${model?.embeddingLength ?? "?"} numbers`],
      ["Device", model?.device ?? "?"],
      ["Server", `${build?.version || "?"} (${build?.goVersion ?? "?"}, TensorFlow ${build?.tensorflowVersion ?? "?"})`],
      ["Limits", `${megabytes(bounds.imageBytes)} and ${bounds.imagePixels / 1e6} megapixels a picture, ${bounds.candidates} candidates`],
      ["Formats", bounds.formats.join(", ")],
      ["One caller", allowance(access)],
    ];
    if (access?.tokenNeeded) rows.push(["Token", button("Forget it", () => { keepToken(""); void this.ask(); })]);
    byId("about").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  }
}

/** What one caller may ask of the server. */
function allowance(access: Access | undefined): string {
  const { callsPerSecond = 0, burst = 0, concurrentCalls = 0 } = access ?? {};
  const bounds: string[] = [];
  if (callsPerSecond) bounds.push(`${callsPerSecond} calls a second, ${burst} at once`);
  if (concurrentCalls) bounds.push(`${concurrentCalls} under way`);
  return bounds.join("; ") || "any number of calls";
}

/** A number of bytes for people. */
export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
