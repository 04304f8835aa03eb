// The summary of a video as a table.

import { classColour, css } from "../view/colour.js";
import { element } from "../view/dom.js";

/** @param onShow gets the time at which a class is seen first, when that is clicked */
export function showSummary(table, summary, onShow) {
  const rows = summary.classes.map(({ label, classId, detections, frames, firstMs }) => {
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = css(classColour(classId));
    const first = element("button", { className: "link", type: "button", textContent: clockText(firstMs) });
    first.addEventListener("click", () => onShow(firstMs));
    const row = element(
      "tr",
      {},
      element("th", { scope: "row" }, swatch, ` ${label}`),
      element("td", { textContent: String(frames) }),
      element("td", { textContent: String(detections) }),
      element("td", {}, first),
    );
    row.dataset.label = label;
    return row;
  });
  const heads = ["Class", "Frames", "Detections", "First at"].map((text) => element("th", { scope: "col", textContent: text }));
  const nothing = element("tr", {}, element("td", { colSpan: heads.length, className: "quiet", textContent: "Nothing yet." }));
  table.replaceChildren(element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...(rows.length > 0 ? rows : [nothing])));
}

/** Minutes, seconds and tenths. */
export function clockText(timeMs) {
  const tenths = Math.floor(timeMs / 100);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}
