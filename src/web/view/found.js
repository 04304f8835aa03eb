// The detections of the frame on display as a list, also for users who cannot see the boxes.

import { classColour, css } from "./colour.js";
import { element } from "./dom.js";
import { percent } from "./numbers.js";

const SHOWN = 8;

export function showFound(list, message) {
  const detections = message?.result.detections ?? [];
  list.dataset.frame = message ? String(message.frame_index) : "";
  if (detections.length === 0) {
    const text = message ? "Nothing in this frame." : "Nothing yet.";
    list.replaceChildren(element("li", { className: "quiet", textContent: text }));
    return;
  }
  const sorted = detections.toSorted((a, b) => b.score - a.score);
  const items = sorted.slice(0, SHOWN).map(itemOf);
  const more = sorted.length - items.length;
  if (more > 0) items.push(element("li", { className: "quiet", textContent: `and ${more} more` }));
  list.replaceChildren(...items);
}

function itemOf({ label, class_id, score, x, y, w, h }) {
  const swatch = element("span", { className: "swatch" });
  swatch.style.background = css(classColour(class_id));
  const item = element(
    "li",
    {},
    swatch,
    element("strong", { textContent: label ?? `class ${class_id}` }),
    element("span", { textContent: percent(score) }),
    element("span", { className: "quiet", textContent: `${[x, y].map(Math.round).join(", ")} · ${[w, h].map(Math.round).join(" × ")}` }),
  );
  Object.assign(item.dataset, { label, classId: class_id, score, box: [x, y, w, h].join(" ") });
  return item;
}
