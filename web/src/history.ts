// The line of the last seconds, and what is counted over them.

/** How far the line goes back, in milliseconds. */
const span = 10_000;
/** Over how long frames/s and lag are taken, in milliseconds. */
const recent = 2000;

interface Point { time: number; similarity: number; lag: number }

/** A line of similarities, drawn as SVG, with the threshold across it. */
export class History {
  readonly root: SVGSVGElement = svg("svg", { viewBox: "0 0 300 80", preserveAspectRatio: "none", class: "history", role: "img", "aria-label": "Similarity of the best reference over the last ten seconds" });
  readonly #line = svg("polyline", { class: "line" });
  readonly #mark = svg("line", { class: "mark", x1: "0", x2: "300", y1: "40", y2: "40" });
  #points: Point[] = [];

  constructor() { this.root.append(this.#mark, this.#line); }

  /** Adds a score; time and lag in milliseconds. */
  add(similarity: number, threshold: number, time: number, lag: number): void {
    this.#points.push({ time, similarity, lag });
    this.#points = this.#points.filter((point) => point.time > time - span);
    this.#line.setAttribute("points", this.#points.map((point) => `${(300 * (1 - (time - point.time) / span)).toFixed(1)},${height(point.similarity)}`).join(" "));
    this.#mark.setAttribute("y1", height(threshold));
    this.#mark.setAttribute("y2", height(threshold));
  }

  /** Frames/s and the middle lag in milliseconds, of the last two seconds. */
  measure(now: number): { rate: number; lag: number } {
    const points = this.#points.filter((point) => point.time > now - recent);
    const first = points[0];
    const last = points.at(-1);
    if (!first || !last || first === last) return { rate: 0, lag: last?.lag ?? 0 };
    const lags = points.map((point) => point.lag).sort((a, b) => a - b);
    return { rate: 1000 * (points.length - 1) / (last.time - first.time), lag: lags[lags.length >> 1] ?? 0 };
  }

  /** Forgets all points. */
  clear(): void {
    this.#points = [];
    this.#line.setAttribute("points", "");
  }
}

function height(similarity: number): string { return (76 - 72 * similarity).toFixed(1); }

function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string>): SVGElementTagNameMap[K] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
