// A line over the last minute, drawn as SVG so that the style sheet colours it.

import { element, setText } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;

export class Chart {
  #value = element("strong", { className: "chart-value" });
  #scale = element("span", { className: "chart-scale" });
  #line = svg("path", { class: "chart-line" });
  #area = svg("path", { class: "chart-area" });
  #graph;

  constructor({ title, name, unit = "", seconds = 60 }) {
    Object.assign(this, { title, unit });
    this.#graph = svg("svg", { viewBox: `0 0 ${seconds - 1} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.#graph.append(this.#area, this.#line);
    this.root = element(
      "div",
      { className: "chart" },
      element("div", { className: "chart-head" }, element("span", { textContent: title }), this.#value),
      this.#graph,
      this.#scale,
    );
    this.root.dataset.chart = name;
  }

  /** @param points one for each second, oldest first, null for a gap */
  update(points, value) {
    const known = points.filter((point) => point !== null);
    const top = niceTop(Math.max(...known, 0));
    const strokes = strokesOf(points, top);
    this.#line.setAttribute("d", strokes.map(lineOf).join(""));
    this.#area.setAttribute("d", strokes.map(areaOf).join(""));
    setText(this.#value, value);
    const scale = `${top} ${this.unit}`.trim();
    setText(this.#scale, known.length > 0 ? scale : "");
    this.#graph.setAttribute("aria-label", `${this.title}, last minute: now ${value}, scale up to ${scale}`);
  }
}

/** The smallest of 1, 2, 5, 10, 20, 50 … that is not below the value. */
export function niceTop(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value);
}

/** Runs of neighbouring points as coordinates; a gap ends a run. */
export function strokesOf(points, top) {
  const strokes = [];
  points.forEach((point, at) => {
    if (point === null) return;
    const place = [at, HEIGHT - (point / top) * HEIGHT];
    if (at > 0 && points[at - 1] !== null) strokes.at(-1).push(place);
    else strokes.push([place]);
  });
  return strokes;
}

const lineOf = (stroke) => `M${stroke.map((place) => place.join(" ")).join("L")}${stroke.length === 1 ? "h0.01" : ""}`;
const areaOf = (stroke) => `${lineOf(stroke)}L${stroke.at(-1)[0]} ${HEIGHT}L${stroke[0][0]} ${HEIGHT}Z`;

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
