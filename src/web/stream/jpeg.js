// The server's first checks of a frame, repeated here: they identify which frame was refused, and a
// frame that is too large need not be sent at all.

/** @returns {"invalid_frame"|"frame_too_large"|null} why the server would refuse the bytes. */
export function refusalOf(bytes, maxBytes = Infinity) {
  const { length } = bytes;
  if (length === 0) return "invalid_frame";
  if (length > maxBytes) return "frame_too_large";
  const starts = bytes[0] === 0xff && bytes[1] === 0xd8;
  const ends = bytes[length - 2] === 0xff && bytes[length - 1] === 0xd9;
  return starts && ends ? null : "invalid_frame";
}
