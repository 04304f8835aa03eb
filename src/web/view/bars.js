// Parts of a whole as one stacked bar with its legend.

import { element, setText } from "./dom.js";
import { milliseconds } from "./numbers.js";

export class StackedBar {
  #parts;

  /** @param names of the parts, in order; the style sheet colours them by `data-part` */
  constructor(root, names) {
    this.#parts = names.map((name) => ({
      name,
      block: element("span", { className: "bar-block" }),
      value: element("dd"),
    }));
    for (const { name, block } of this.#parts) block.dataset.part = name;
    root.replaceChildren(
      element("div", { className: "bar", ariaHidden: "true" }, ...this.#parts.map(({ block }) => block)),
      element("dl", { className: "legend" }, ...this.#parts.map(legendEntry)),
    );
  }

  /** @param times milliseconds by name; parts that are missing count as none */
  update(times) {
    for (const { name, block, value } of this.#parts) {
      block.style.flexGrow = String(times[name] ?? 0);
      setText(value, milliseconds(times[name]));
    }
  }
}

function legendEntry({ name, value }) {
  const entry = element("div", {}, element("dt", { textContent: name }), value);
  entry.dataset.part = name;
  return entry;
}
