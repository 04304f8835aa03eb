// Parts of a whole as one stacked bar with a legend.

import { element, setText } from "./dom.js";
import { milliseconds } from "./numbers.js";

export class StackedBar {
  #parts = [];
  #bar = element("div", { className: "bar", ariaHidden: "true" });
  #legend = element("dl", { className: "legend" });

  /**
   * @param names of the parts that are always there, in order; the style sheet colours them by
   *   `data-part`
   */
  constructor(root, names) {
    for (const name of names) this.#add(name);
    root.replaceChildren(this.#bar, this.#legend);
  }

  /** @param times milliseconds by name; absent parts count as none, new ones are added at the end */
  update(times) {
    for (const name of Object.keys(times)) {
      if (name !== "total" && !this.#parts.some((part) => part.name === name)) this.#add(name);
    }
    for (const { name, block, value } of this.#parts) {
      block.style.flexGrow = String(times[name] ?? 0);
      setText(value, milliseconds(times[name]));
    }
  }

  #add(name) {
    const part = { name, block: element("span", { className: "bar-block" }), value: element("dd") };
    part.block.dataset.part = name;
    this.#parts.push(part);
    this.#bar.append(part.block);
    this.#legend.append(legendEntry(part));
  }
}

function legendEntry({ name, value }) {
  const entry = element("div", {}, element("dt", { textContent: name }), value);
  entry.dataset.part = name;
  return entry;
}
