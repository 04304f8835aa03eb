// The server's first checks of a frame, repeated here: they identify which frame was refused, and a
// frame that is too large need not be sent at all.

/** @returns {"invalid_frame"|"frame_too_large"|null} why the server would refuse the bytes. */
export function refusalOf(bytes, maxBytes = Infinity) {
  const { length } = bytes;
  if (length === 0) return "invalid_frame";
  if (length > maxBytes) return "frame_too_large";
  const starts = bytes[0] === 0xff && bytes[1] === 0xd8;
  return starts && holdsEndMarker(bytes) ? null : "invalid_frame";
}

/** What follows the marker is ignored: cameras pad frames, or append something. So it is sought from the end. */
function holdsEndMarker(bytes) {
  let at = bytes.length;
  while ((at = bytes.lastIndexOf(0xd9, at - 1)) > 0) if (bytes[at - 1] === 0xff) return true;
  return false;
}
