// Maps pixels of a frame to pixels of the page.

/** Where an image lies in an area if it is shown whole, with its own aspect ratio, and centred. */
export function fitInside(image, area) {
  const scale = Math.min(area.width / image.width, area.height / image.height);
  const width = image.width * scale;
  const height = image.height * scale;
  return { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height, scale };
}

/** A detection's box in the area. `placement` is the result of `fitInside` for its frame. */
export function placeBox({ x, y, w, h }, placement) {
  const { scale } = placement;
  return { x: placement.x + x * scale, y: placement.y + y * scale, w: w * scale, h: h * scale };
}

/**
 * Where a box's label goes: above it, inside its top edge where there is no room, and never past
 * the sides of the area.
 */
export function placeLabel(box, label, area) {
  const y = box.y - label.height >= 0 ? box.y - label.height : Math.max(box.y, 0);
  const x = Math.min(Math.max(box.x, 0), Math.max(area.width - label.width, 0));
  return { x, y };
}

/** An image's size, shrunk until its longer side fits; never enlarged. */
export function shrinkTo(size, longestSide) {
  const scale = Math.min(1, longestSide / Math.max(size.width, size.height));
  return { width: Math.round(size.width * scale), height: Math.round(size.height * scale) };
}

/** Gives a canvas one pixel per screen pixel, whatever the page's zoom. Whether that changed its size, and emptied it. */
export function fillArea(canvas) {
  const area = canvas.getBoundingClientRect();
  const width = Math.max(Math.round(area.width * devicePixelRatio), 1);
  const height = Math.max(Math.round(area.height * devicePixelRatio), 1);
  if (canvas.width === width && canvas.height === height) return false;
  Object.assign(canvas, { width, height });
  return true;
}
