// Draws what is known of an object besides its box: mask, oriented box, key points.

import { css, textOn } from "./colour.js";

/** Key points with a lower score are not where they seem to be. */
const LEAST_SCORE = 0.3;

/** Corners `[[x, y], …]` of the frame in the area. */
export function placePoints(points, placement) {
  return points.map(([x, y]) => [placement.x + x * placement.scale, placement.y + y * placement.scale]);
}

/**
 * The runs of a mask that are inside the object, as `{ x, y, length }` in frame pixels: down the columns of
 * COCO's run lengths, cut where a column ends.
 */
export function maskRuns({ size: [height], counts }) {
  const runs = [];
  let start = 0;
  counts.forEach((count, at) => {
    const end = start + count;
    while (at % 2 === 1 && start < end) {
      const x = Math.floor(start / height);
      const length = Math.min(end, (x + 1) * height) - start;
      runs.push({ x, y: start % height, length });
      start += length;
    }
    start = end;
  });
  return runs;
}

export function drawMask(context, colour, mask, placement) {
  context.fillStyle = css(colour, 0.35);
  const { scale } = placement;
  for (const { x, y, length } of maskRuns(mask)) {
    context.fillRect(placement.x + x * scale, placement.y + y * scale, scale, length * scale);
  }
}

/** The path of an oriented box. */
export function traceCorners(context, corners, placement) {
  const points = placePoints(corners, placement);
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.closePath();
}

export function drawKeypoints(context, colour, keypoints, placement, ratio) {
  const certain = keypoints.filter(([, , score]) => score >= LEAST_SCORE);
  for (const [x, y] of placePoints(certain, placement)) {
    context.beginPath();
    context.arc(x, y, 4 * ratio, 0, 2 * Math.PI);
    context.fillStyle = css(colour);
    context.fill();
    context.strokeStyle = css(textOn(colour));
    context.lineWidth = ratio;
    context.stroke();
  }
}
