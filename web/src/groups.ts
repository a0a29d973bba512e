// Groups of pictures that are alike, side by side.

import { csv, download } from "./csv";
import { button, element } from "./element";
import { short } from "./picker";

/** A picture of a group, and its largest similarity to another one of it, 0 to 1. */
export interface Member { id: string; name: string; similarity: number }

/** Where small pictures come from, and what can be done with a picture. */
export interface Source {
  /** The element of a small picture; asked for when it is to be seen. */
  tile: (id: string) => Promise<HTMLElement>;
  /** Removes a picture from where it is, and reports whether it did; none: that can't be done. */
  remove?: (id: string) => Promise<boolean>;
}

/** How many groups, and pictures of a group, are shown at first, and how many more each time. */
const page = 20;
const row = 12;

/** A list of groups; hidden while there are none. Only what is shown has pictures in memory. */
export class Groups {
  readonly root: HTMLElement;
  #groups: Member[][] = [];
  #source: Source | undefined;
  #limit = page;
  readonly #list = element("ol", { className: "groups", "aria-label": "Doubles" });
  readonly #more = button("Show more groups", () => { this.#limit += page; this.#show(); });
  readonly #urls = new Set<string>();
  #tiles = Promise.resolve();

  constructor() {
    this.root = element("div", { hidden: true }, element("div", { className: "row" }, button("Download CSV", () => download(this.#table(), "doubles.csv"), { "aria-label": "Download the doubles as CSV" })), this.#list, this.#more);
  }

  get size(): number { return this.#groups.length; }
  get pictures(): number { return this.#groups.reduce((sum, group) => sum + group.length, 0); }

  /** Forgets all groups, and takes those of another source. */
  begin(source: Source): void {
    this.#source = source;
    this.clear();
  }

  clear(): void {
    this.#groups = [];
    this.#limit = page;
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls.clear();
    this.#list.replaceChildren();
    this.root.hidden = true;
  }

  add(group: Member[]): void {
    this.#groups.push(group);
    this.#show();
  }

  /** Shows groups that are not shown yet, as far as the limit goes. */
  #show(): void {
    for (let at = this.#list.childElementCount; at < Math.min(this.#limit, this.#groups.length); at++) this.#list.append(this.#item(this.#groups[at] ?? [], at + 1));
    this.root.hidden = this.#groups.length === 0;
    this.#more.hidden = this.#groups.length <= this.#limit;
    this.#more.textContent = `Show more groups (${(this.#groups.length - this.#limit).toLocaleString("en")} left)`;
  }

  #item(group: Member[], number: number): HTMLElement {
    const pictures = element("ul", { "aria-label": `Group ${number}` });
    const more = button("", () => fill(), { className: "remove" });
    const fill = () => {
      for (const member of group.slice(pictures.childElementCount, pictures.childElementCount + row)) pictures.append(this.#picture(member, group, pictures));
      const left = group.length - pictures.childElementCount;
      more.hidden = left === 0;
      more.textContent = `${left.toLocaleString("en")} more`;
    };
    fill();
    return element("li", {}, element("p", { className: "quiet" }, `${group.length.toLocaleString("en")} alike`), pictures, more);
  }

  #picture(member: Member, group: Member[], pictures: HTMLElement): HTMLElement {
    const { id, name, similarity } = member;
    const place = element("div", { className: "place" });
    const made = element("li", {}, place, element("span", { className: "name", title: name }, ...breakable(short(name))), element("span", { className: "quiet number" }, similarity.toFixed(4)));
    const source = this.#source;
    if (!source) return made;
    this.#tiles = this.#tiles.then(() => this.#fill(place, source, id)).catch(() => undefined); // one after the other: whole pictures are large
    if (source.remove) made.append(button("✕", () => void this.#remove(member, group, made, pictures), { className: "remove", "aria-label": `Remove ${name}` }));
    return made;
  }

  /** Puts a picture into its place, unless that is gone. */
  async #fill(place: HTMLElement, source: Source, id: string): Promise<void> {
    if (!place.isConnected) return;
    const tile = await source.tile(id);
    const url = tile instanceof HTMLImageElement && tile.src.startsWith("blob:") ? tile.src : "";
    if (url && place.isConnected) this.#urls.add(url);
    else if (url) URL.revokeObjectURL(url);
    place.replaceChildren(tile);
  }

  async #remove(member: Member, group: Member[], made: HTMLElement, pictures: HTMLElement): Promise<void> {
    if (!await this.#source?.remove?.(member.id)) return;
    group.splice(group.indexOf(member), 1);
    const beside = made.nextElementSibling ?? made.previousElementSibling;
    made.remove();
    beside?.querySelector<HTMLElement>(".remove")?.focus();
    if (group.length < 2) pictures.parentElement?.classList.add("settled");
  }

  #table(): Blob {
    return csv([["group", "name", "similarity"], ...this.#groups.flatMap((group, at) => group.map(({ name, similarity }) => [at + 1, name, similarity.toFixed(6)]))]);
  }
}

/** A path that breaks between its folders. */
function breakable(path: string): Node[] {
  return path.split("/").flatMap((part, at) => at === 0 ? [document.createTextNode(part)] : [document.createTextNode("/"), element("wbr"), document.createTextNode(part)]);
}
