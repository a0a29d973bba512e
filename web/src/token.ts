// The bearer token of a server that asks for one.

import { button, element } from "./element";

/** Where the token is kept: it goes with the tab. */
const place = "siamese-token";

let held = stored();

/** The token that calls show; empty: none. */
export function heldToken(): string { return held; }

/** Keeps a token until the tab is closed; an empty one is forgotten. */
export function keepToken(token: string): void {
  held = token;
  try {
    if (token) sessionStorage.setItem(place, token);
    else sessionStorage.removeItem(place);
  } catch {
    // A browser that keeps nothing: it lasts until the page is loaded again.
  }
}

function stored(): string {
  try {
    return sessionStorage.getItem(place) ?? "";
  } catch {
    return "";
  }
}

/** A form that asks for a token; hidden until it is needed. */
export class TokenForm {
  readonly root: HTMLFormElement;
  readonly #input = element("input", { id: "token-input", type: "password", autocomplete: "off", spellcheck: false, required: true });
  readonly #problem = element("p", { className: "problem", role: "alert" });

  /** @param given is called when a token was given, which is held by then. */
  constructor(private readonly given: () => void) {
    this.root = element("form", { className: "notice token", hidden: true, "aria-label": "Token" },
      element("label", { htmlFor: this.#input.id }, "This server asks for a token."), this.#input,
      button("Use this token", () => undefined, { type: "submit", className: "main" }), this.#problem);
    this.root.addEventListener("submit", (event) => { event.preventDefault(); this.#take(this.#input.value.trim()); });
  }

  /** Asks for a token; says so when the one that is held opened nothing. */
  ask(): void {
    // What is said of an input that was no token stays until another one is given.
    if (held || this.root.hidden) this.#problem.textContent = held ? "The server does not know that token." : "";
    if (!this.root.hidden && held) this.#input.select();
    this.root.hidden = false;
  }

  /** Takes the form away. */
  hide(): void {
    this.root.hidden = true;
    this.#input.value = "";
  }

  #take(token: string): void {
    // What a header can't carry would look like a server that is gone.
    if (!/^[!-~]+$/.test(token)) {
      this.#problem.textContent = "That is no token: expected letters, digits and signs without a space.";
      return;
    }
    keepToken(token);
    this.given();
  }
}
