// A place for one picture.

import { DropZone } from "./dropzone";
import { element } from "./element";
import { wordsFor } from "./failure";
import { pictureFrom, type Named, type Picture } from "./picture";
import type { Server } from "./server";

/** What a Picker is for; taken is told of undefined as soon as its picture is none any more. */
export interface PickerOptions { label: string; server: Server; taken: (picture: Picture | undefined) => void }

/** A DropZone that shows the picture that it holds. */
export class Picker {
  readonly zone: DropZone;
  #newest = 0;

  constructor(private readonly options: PickerOptions) {
    const { label, server } = options;
    this.zone = new DropZone({ label, server, given: ([file]) => { if (file) void this.take(file); } });
  }

  /** Takes a file in place of the picture that was there; one that is no good leaves none. */
  async take(given: Named): Promise<void> {
    const asked = ++this.#newest;
    this.options.taken(undefined);
    this.zone.clear();
    this.zone.stage.replaceChildren(element("span", { className: "file quiet" }, `Reading ${given.name} …`));
    try {
      const picture = await pictureFrom(given, this.options.server.bounds);
      if (asked !== this.#newest) return;
      this.zone.stage.replaceChildren(portrait(picture));
      this.zone.tell(picture.note);
      this.options.taken(picture);
    } catch (error) {
      if (asked !== this.#newest) return;
      this.zone.clear();
      this.zone.tell("", wordsFor(error));
    }
  }
}

/** A name for where there is little room: of a long one its beginning and its end. */
export function short(name: string): string {
  const letters = [...name];
  return letters.length > 56 ? `${letters.slice(0, 32).join("")}…${letters.slice(-20).join("")}` : name;
}

/** A small picture beside its name; where there is none to show, the ending of the name. */
export function tile(name: string, picture: Picture | undefined): HTMLElement {
  if (picture?.shown) return portrait(picture);
  const [, ending = ""] = /\.(\w{1,4})$/.exec(name) ?? [];
  return element("span", { className: "tile", "aria-hidden": "true" }, ending.toUpperCase());
}

/** A picture to look at, or its name where the browser can't show it. */
export function portrait({ name, url, shown }: Picture): HTMLElement {
  if (!shown) return element("span", { className: "file" }, name);
  return element("img", { alt: name, title: name, loading: "lazy", decoding: "async", src: url });
}
