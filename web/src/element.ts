// Making elements of the page.

import { addressOf } from "./client";

type Child = Node | string | null | undefined;

/** Makes an element; properties that are no properties of it become attributes. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K, properties: Record<string, unknown> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) (made as unknown as Record<string, unknown>)[name] = value;
    else made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** The page's element of that id, which index.html has. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element "${id}".`);
  return found;
}

/** A button that does something when it is clicked. */
export function button(label: string, action: () => void, properties: Record<string, unknown> = {}): HTMLButtonElement {
  const made = element("button", { type: "button", ...properties }, label);
  made.addEventListener("click", action);
  return made;
}

/** A picture from the bytes of a PNG file, which may be missing. */
export function png(bytes: Uint8Array | undefined, alt: string): HTMLImageElement {
  return element("img", { ...bytes && { src: addressOf(bytes, "image/png") }, alt, className: "prepared" });
}
