// Where tracked objects have been lately, and how their ways are drawn.

import { classColour, css } from "./colour.js";

const LASTING_MS = 2000;
/** Points per object: more than results arrive in that time. */
const MOST_POINTS = 120;
const MOST_OBJECTS = 300;

export class Trails {
  #trails = new Map(); // track_id → [{ x, y, at }], the newest last

  /** @param at when the frame was captured, in milliseconds */
  add(detections, at) {
    for (const { track_id: id, x, y, w, h } of detections) {
      if (!Number.isInteger(id)) continue;
      const trail = this.#trails.get(id) ?? [];
      trail.push({ x: x + w / 2, y: y + h, at });
      if (trail.length > MOST_POINTS) trail.shift();
      // To the end: what was not seen for the longest time comes first.
      this.#trails.delete(id);
      this.#trails.set(id, trail);
    }
    this.#forget(at);
  }

  #forget(now) {
    for (const [id, trail] of this.#trails) {
      while (trail.length > 0 && now - trail[0].at > LASTING_MS) trail.shift();
      if (trail.length === 0) this.#trails.delete(id);
    }
    for (const id of this.#trails.keys()) {
      if (this.#trails.size <= MOST_OBJECTS) break;
      this.#trails.delete(id);
    }
  }

  clear() {
    this.#trails.clear();
  }

  /** `[id, points]` of every object, in frame pixels. */
  get lines() {
    return [...this.#trails];
  }
}

/** Older parts are fainter. */
export function drawTrails(context, lines, placement, ratio) {
  context.lineWidth = 2 * ratio;
  context.lineCap = "round";
  for (const [id, points] of lines) {
    const colour = classColour(id);
    points.slice(1).forEach((to, index) => {
      const from = points[index];
      context.strokeStyle = css(colour, (index + 1) / points.length);
      context.beginPath();
      context.moveTo(placement.x + from.x * placement.scale, placement.y + from.y * placement.scale);
      context.lineTo(placement.x + to.x * placement.scale, placement.y + to.y * placement.scale);
      context.stroke();
    });
  }
}
