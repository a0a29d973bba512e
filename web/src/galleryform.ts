// Making a gallery.

import type { Gallery } from "siamese-client/web";
import { client } from "./client";
import { button, element } from "./element";
import { wordsFor } from "./failure";
import type { Server } from "./server";

/** What a gallery can be called. */
const names = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** A form for a new gallery; hidden until it is wanted. */
export class GalleryForm {
  readonly root: HTMLFormElement;
  readonly #name = element("input", { id: "gallery-name", type: "text", autocomplete: "off", spellcheck: false, required: true, maxLength: 64, placeholder: "my-pictures" });
  readonly #thumbnails = element("input", { type: "checkbox", checked: true });
  readonly #pictures = element("input", { type: "checkbox" });
  readonly #model = element("p", { className: "quiet" });
  readonly #problem = element("p", { className: "problem", role: "alert" });
  readonly #cancel = button("Cancel", () => { this.root.hidden = true; });

  /** @param made is told of the gallery when it is there. */
  constructor(private readonly server: Server, private readonly made: (gallery: Gallery) => void) {
    this.#name.setAttribute("autocapitalize", "none");
    this.root = element("form", { className: "notice token made", hidden: true, "aria-label": "New gallery" },
      element("label", { htmlFor: this.#name.id }, "Name"), this.#name,
      element("label", { className: "check" }, this.#thumbnails, " Keep thumbnails"),
      element("label", { className: "check" }, this.#pictures, " Keep the files, for when the model changes"),
      button("Make the gallery", () => undefined, { type: "submit", className: "main" }), this.#cancel, this.#model, this.#problem);
    for (const box of [this.#thumbnails, this.#pictures]) box.addEventListener("change", () => this.describe());
    this.root.addEventListener("submit", (event) => { event.preventDefault(); void this.#submit(this.#name.value.trim().toLowerCase()); });
  }

  /** Shows the form; the first gallery has to be made before anything else. */
  open({ first = false } = {}): void {
    this.#cancel.hidden = first;
    this.describe();
    const shown = !this.root.hidden;
    this.root.hidden = false;
    if (!first && !shown) this.#name.focus();
  }

  /** Takes the form away that asked for the first gallery: there is one. */
  settle(): void { if (this.#cancel.hidden) this.root.hidden = true; }

  /** Says what model it will be of. */
  describe(): void {
    const model = this.server.models.chosen;
    const kept = ["what the model makes of pictures", ...this.#thumbnails.checked ? ["small copies of them"] : [], ...this.#pictures.checked ? ["their files"] : []];
    const chosen = this.server.models.isChoice ? ", as chosen above" : "";
    this.#model.textContent = `It belongs to the model “${model?.title || model?.name || "?"}”${chosen}. The server keeps ${new Intl.ListFormat("en").format(kept)}.`;
  }

  async #submit(name: string): Promise<void> {
    this.#problem.textContent = "";
    if (!names.test(name)) {
      this.#problem.textContent = "Expected a name of up to 64 letters a to z, digits, dots, dashes and underscores, a letter or digit first.";
      return;
    }
    try {
      const gallery = await client.galleries.create(name, { model: this.server.models.chosen?.servingName ?? "", keepThumbnails: this.#thumbnails.checked, keepPictures: this.#pictures.checked });
      this.root.hidden = true;
      this.#name.value = "";
      this.made(gallery);
    } catch (error) {
      this.#problem.textContent = wordsFor(error);
      this.server.failed(error);
    }
  }
}
