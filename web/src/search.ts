// The view of galleries: finding what a picture shows, keeping pictures, and doubles.

import { element } from "./element";
import { Doubles } from "./doubles";
import type { DropZone } from "./dropzone";
import { Finder } from "./finder";
import { GalleryChoice } from "./gallerychoice";
import { Keeper } from "./keeper";
import type { Server } from "./server";

/** A choice of galleries; what can be done with the chosen one; doubles of folders. */
export class SearchView {
  readonly zones: DropZone[];
  readonly #off = element("p", { className: "notice made", hidden: true }, element("span", {},
    "This server keeps no galleries, so there is nothing to search. Started with ", element("code", {}, "siamese serve --galleries DIR"), " it keeps them in that folder."));
  readonly #body = element("div", { hidden: true });
  readonly #inside = element("div", { hidden: true });
  readonly #choice: GalleryChoice;
  readonly #finder: Finder;
  readonly #keeper: Keeper;
  readonly #doubles: Doubles;
  #shown = "";

  constructor(root: HTMLElement, private readonly server: Server) {
    const choice = this.#choice = new GalleryChoice(server);
    const current = () => choice.current;
    const changed = () => void choice.refresh();
    this.#finder = new Finder(server, current, changed);
    this.#keeper = new Keeper(server, current, (isBusy) => choice.lock(isBusy), changed);
    this.#doubles = new Doubles(server, current, changed);
    this.zones = [this.#finder.picker.zone, this.#keeper.zone, this.#doubles.zone];
    this.#inside.append(element("div", { className: "pair" }, this.#finder.picker.zone.root, this.#keeper.zone.root), this.#keeper.report, this.#finder.report);
    this.#body.append(choice.root, this.#inside, this.#doubles.root);
    root.append(this.#off, this.#body);
    choice.onChange(() => this.#show());
    server.onReady(() => this.#answer());
  }

  /** Shows whether the server keeps galleries, and which. */
  #answer(): void {
    this.#off.hidden = this.server.galleries !== false;
    this.#body.hidden = this.server.galleries !== true;
    if (this.server.galleries) void this.#choice.refresh();
  }

  #show(): void {
    const name = this.#choice.current?.name ?? "";
    if (name !== this.#shown) this.#keeper.forget();
    this.#shown = name;
    this.#inside.hidden = !name;
    this.#doubles.show();
    void this.#finder.find();
  }
}
