// From pixels of a frame to pixels of the page.

/** Where a picture lies in an area when it is shown whole, in its own proportions, and centred. */
export function fitInside(picture, area) {
  const scale = Math.min(area.width / picture.width, area.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height, scale };
}

/** A detection's box as it lies in the area. `placement` is what `fitInside` gave for its frame. */
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

/** A picture's size shrunk, never enlarged, until its longer side is no longer than this. */
export function shrinkTo(size, longestSide) {
  const scale = Math.min(1, longestSide / Math.max(size.width, size.height));
  return { width: Math.round(size.width * scale), height: Math.round(size.height * scale) };
}
