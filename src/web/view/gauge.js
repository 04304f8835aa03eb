// The drop rate against the two thresholds at which the server acts.

import { element } from "./dom.js";
import { percent } from "./numbers.js";

export class Gauge {
  #root;
  #fill = element("span", { className: "gauge-fill" });

  constructor(root) {
    this.#root = root;
  }

  /** @param thresholds shares by name, drawn as marks */
  setThresholds(thresholds) {
    const marks = Object.entries(thresholds).map(([name, share]) => {
      const mark = element("span", { className: "gauge-mark", title: `${name} above ${percent(share)}` });
      mark.style.left = `${share * 100}%`;
      mark.append(element("span", { textContent: `${name} ${percent(share)}` }));
      return mark;
    });
    this.#root.replaceChildren(this.#fill, ...marks);
    this.thresholds = Object.values(thresholds);
  }

  update(share) {
    this.#fill.style.width = `${(share ?? 0) * 100}%`;
    const passed = (this.thresholds ?? []).filter((threshold) => share > threshold).length;
    this.#root.dataset.passed = String(passed);
    this.#root.setAttribute("aria-label", `Drop rate ${percent(share)}, ${passed} of the thresholds passed`);
  }
}
