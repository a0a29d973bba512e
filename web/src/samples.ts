// Pictures that the page brings along, to try it at once.

import { button, element } from "./element";
import { wordsFor } from "./failure";
import type { Named } from "./picture";

/** Pictures by the names of their files under samples/, with what they show. */
export interface Sample { label: string; files: string[] }

/** Two pictures to compare. */
export const pairs: Sample[] = [
  { label: "A photo and its copy", files: ["cat.jpg", "cat_copy.jpg"] },
  { label: "Two photos", files: ["cat.jpg", "rocket.jpg"] },
  { label: "One letter twice", files: ["alpha_1.png", "alpha_2.png"] },
  { label: "Two letters", files: ["alpha_1.png", "beta_1.png"] },
];

/** A picture to look for and its candidates. */
export const rankings: Sample[] = [
  { label: "Photos", files: ["cat.jpg", "rocket.jpg", "coffee.jpg", "cat_copy.jpg"] },
  { label: "Letters", files: ["alpha_1.png", "beta_1.png", "beta_2.png", "alpha_2.png", "alpha_3.png"] },
];

/** Buttons that fetch samples from the server and hand them on. */
export class Samples {
  readonly root: HTMLElement;
  readonly #problem = element("p", { className: "problem", role: "alert" });
  #newest = 0;

  constructor(samples: Sample[], private readonly taken: (files: Named[]) => void) {
    this.root = element("div", { className: "samples row", role: "group", "aria-label": "Samples" }, element("span", { className: "quiet" }, "Try"),
      ...samples.map((sample) => button(sample.label, () => void this.#fetch(sample.files))), this.#problem);
  }

  async #fetch(names: string[]): Promise<void> {
    const asked = ++this.#newest;
    this.#problem.textContent = "";
    try {
      const files = await Promise.all(names.map(async (name) => ({ name, file: await load(name) })));
      if (asked === this.#newest) this.taken(files);
    } catch (error) {
      if (asked === this.#newest) this.#problem.textContent = wordsFor(error);
    }
  }
}

async function load(name: string): Promise<Blob> {
  const response = await fetch(`samples/${name}`).catch(() => undefined);
  if (!response?.ok) throw new Error(`The sample ${name} can't be had: ${response ? `the server answers ${response.status}` : "the server can't be reached"}.`);
  return response.blob();
}
