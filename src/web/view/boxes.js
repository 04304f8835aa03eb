// Draws detections over an image.

import { shownText } from "./codes.js";
import { classColour, css, textOn } from "./colour.js";
import { placeBox, placeLabel } from "./geometry.js";
import { percent } from "./numbers.js";
import { drawKeypoints, drawMask, traceCorners } from "./shapes.js";

/** Characters of a code's text beside its box. */
const TEXT_CHARACTERS = 24;

/**
 * @param placement where the frame lies on the canvas, from `fitInside`
 * @param ratio     canvas pixels per CSS pixel
 */
export function drawBoxes(context, detections, placement, ratio) {
  // Highest score last, on top of the others.
  const places = detections
    .toSorted((one, other) => one.score - other.score)
    .map((detection) => ({ detection, box: placeBox(detection, placement) }));
  for (const { detection, box } of places) drawObject(context, detection, box, placement, ratio);
  // Labels after all boxes, so that no neighbouring box is drawn through them.
  for (const { detection, box } of places) drawLabel(context, detection, box, ratio);
}

function drawObject(context, detection, box, placement, ratio) {
  const { class_id, mask, corners, keypoints } = detection;
  const colour = classColour(class_id);
  if (mask) drawMask(context, colour, mask, placement);
  if (corners) traceCorners(context, corners, placement);
  else traceBox(context, box, ratio);
  drawFrame(context, colour, ratio);
  if (keypoints) drawKeypoints(context, colour, keypoints, placement, ratio);
}

function traceBox(context, { x, y, w, h }, ratio) {
  context.beginPath();
  context.roundRect(x, y, w, h, 3 * ratio);
}

function drawFrame(context, colour, ratio) {
  context.fillStyle = css(colour, 0.1);
  context.fill();
  context.strokeStyle = "rgb(0 0 0 / 0.45)";
  context.lineWidth = 5 * ratio;
  context.stroke();
  context.strokeStyle = css(colour);
  context.lineWidth = 3 * ratio;
  context.stroke();
}

/** The writing beside a box: of a code that was read, its beginning. */
export function labelText({ label, class_id, score, track_id, text }) {
  const number = Number.isInteger(track_id) ? ` #${track_id}` : "";
  const says = typeof text === "string" ? ` ${shownText(text, TEXT_CHARACTERS)}` : "";
  return `${label ?? `class ${class_id}`}${number} ${percent(score)}${says}`;
}

function drawLabel(context, detection, box, ratio) {
  const text = labelText(detection);
  const { class_id } = detection;
  const colour = classColour(class_id);
  // On a small image a label of normal size would hide the object.
  const fontSize = Math.min(Math.max(context.canvas.width / 36, 10 * ratio), 13 * ratio);
  context.font = `600 ${fontSize}px Inter, system-ui, sans-serif`;
  context.textBaseline = "middle";
  const size = { width: context.measureText(text).width + 12 * ratio, height: 1.6 * fontSize };
  const place = placeLabel(box, size, context.canvas);
  context.fillStyle = css(colour);
  context.beginPath();
  context.roundRect(place.x, place.y, size.width, size.height, 4 * ratio);
  context.fill();
  context.fillStyle = css(textOn(colour));
  context.fillText(text, place.x + 6 * ratio, place.y + size.height / 2 + ratio);
}
