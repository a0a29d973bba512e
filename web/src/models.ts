// The models that the server serves, and the choice of one.

import type { Match, ModelInfo, ModelReference, Ranking, ServerInfo } from "siamese-client/web";
import { element } from "./element";

/** Lets the server choose a model for each pair. */
const auto = "auto";

/** The choice of a model by its title, with what it knows; nothing to see where there is nothing to choose or tell. */
export class Models {
  readonly root = element("div", { className: "model", hidden: true });
  readonly #select = element("select", { id: "model-choice" });
  readonly #label = element("label", { htmlFor: this.#select.id }, "Model");
  readonly #knows = element("p", { className: "quiet", "aria-live": "polite" });
  readonly #listeners: (() => void)[] = [];
  #info: ServerInfo | undefined;
  /** What the person chose; it counts again when a server that lacked it has it. */
  #wish = "";
  #told = "";

  constructor() {
    this.root.append(this.#label, this.#select, this.#knows);
    this.#select.addEventListener("change", () => { this.#wish = this.#select.value; this.#show(); });
  }

  /** The chosen model as calls name it; empty: the server's default. */
  get name(): string {
    const names = this.#choices.map(([name]) => name);
    return [this.#wish, this.#info?.defaultModel ?? ""].find((name) => names.includes(name)) ?? names[0] ?? "";
  }

  /** The chosen model; with "auto" the first that is tried. */
  get chosen(): ModelInfo | undefined {
    return this.served(this.name) ?? this.#info?.model;
  }

  /** The model that is served by a name; undefined where there is none. */
  served(name: string | undefined): ModelInfo | undefined { return this.#info?.models.find((model) => model.servingName === name); }

  /** Whether there are several to choose from. */
  get isChoice(): boolean { return this.#choices.length > 1; }

  /**
   * Pixels of the shorter side of a frame that is sent: twice the largest input of a
   * model, so that the server's resizing still has something to average.
   */
  get frameSide(): number {
    return 2 * Math.max(105, ...this.#info?.models.map((model) => Math.max(model.inputWidth, model.inputHeight)) ?? []);
  }

  /** Calls listener when another model is chosen, or others are there for "auto" to choose from. */
  onChange(listener: () => void): void { this.#listeners.push(listener); }

  /** Takes what the server tells of its models. */
  update(info: ServerInfo): void {
    this.#info = info;
    this.#select.replaceChildren(...this.#choices.map(([name, title]) => element("option", { value: name }, title)));
    this.#show();
  }

  /** A model that answered, for people. */
  titleOf(reference: ModelReference | undefined): string {
    const model = this.#find(reference);
    return model ? this.#title(model) : reference?.name ?? "";
  }

  /** What a model that answered knows, in a sentence for people. */
  knowledgeOf(reference: ModelReference | undefined): string {
    const knows = this.#find(reference)?.knows;
    const title = this.titleOf(reference) || "The model";
    return knows ? `What “${title}” knows: ${knows[0]?.toLowerCase()}${knows.slice(1)}` : `“${title}” does not tell what it knows.`;
  }

  /** The threshold of a match's verdict: the answer's, or that of another model which made it. */
  thresholdOf(match: Match, answer: Ranking): number {
    const own = match.model.digest === answer.model?.digest ? undefined : this.#find(match.model)?.threshold;
    return own ?? answer.threshold ?? 0;
  }

  get #choices(): [name: string, title: string][] {
    const { models = [], autoModels = [] } = this.#info ?? {};
    const served = models.map((model): [string, string] => [model.servingName, this.#title(model)]);
    return autoModels.length > 0 ? [[auto, "Automatic"], ...served] : served;
  }

  #find(reference: ModelReference | undefined): ModelInfo | undefined {
    const known = [this.chosen, ...this.#info?.models ?? []]; // two may have the same weights
    return reference && known.find((model) => model?.digest === reference.digest);
  }

  /** A model's title, with its name where another one has the same. */
  #title(model: ModelInfo): string {
    const name = model.servingName || model.name;
    const alike = this.#info?.models.filter((other) => other.title === model.title) ?? [];
    return !model.title ? name : alike.length > 1 ? `${model.title} (${name})` : model.title;
  }

  #show(): void {
    const name = this.name, choices = this.#choices;
    this.#select.value = name;
    this.#label.hidden = this.#select.hidden = choices.length < 2;
    const members = this.#info?.autoModels.map((member) => choices.find(([other]) => other === member)?.[1] ?? member) ?? [];
    this.#knows.textContent = name === auto
      ? `Each pair is answered by the model that knows its pictures best: ${members.join(" or ")}.`
      : this.chosen?.knows ?? "";
    this.root.hidden = this.#select.hidden && !this.#knows.textContent;
    // "auto" answers otherwise once another model has been loaded.
    const choice = name === auto ? `${name} ${members.join()}` : name;
    if (this.#told === choice) return;
    this.#told = choice;
    for (const listener of this.#listeners) listener();
  }
}
