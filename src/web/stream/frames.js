// Matches answers to frames.
//
// The server numbers valid frames from 1 in the order in which they were sent. It does not count a
// frame that it refuses, so every frame sent after a refused one has a lower number than its position.

/** Most pixels of images kept for frames in flight: 26 frames of 640×480. */
const KEPT_PIXELS = 8_000_000;

export class FrameLedger {
  #underway = []; // oldest first: { index, frame }
  #counted = 0;
  #highestAnswered = 0;
  #keptPixels;

  constructor({ keptPixels = KEPT_PIXELS } = {}) {
    this.#keptPixels = keptPixels;
  }

  get inFlight() {
    return this.#underway.length;
  }

  /**
   * @param frame has `size` in bytes, `refusal` as `refusalOf` sees it, and optionally a `image`
   *   (an ImageBitmap) that the ledger closes when it runs out of room for it.
   */
  sent(frame) {
    this.#counted += 1;
    this.#underway.push({ index: this.#counted, frame });
    this.#closeOldImages();
  }

  /** Removes and returns the frame with this number; undefined if there is none. */
  answered(index) {
    this.#highestAnswered = Math.max(this.#highestAnswered, index);
    const place = this.#underway.findIndex((entry) => entry.index === index);
    return place < 0 ? undefined : this.#underway.splice(place, 1)[0].frame;
  }

  /** Removes and returns the frame that an error without a number is about, and renumbers later ones. */
  refused(code, detail = "") {
    const place = this.#placeOfRefused(code, detail);
    if (place < 0) return undefined;
    const [{ frame }] = this.#underway.splice(place, 1);
    for (const later of this.#underway.slice(place)) later.index -= 1;
    this.#counted -= 1;
    return frame;
  }

  /** Forgets every frame, as a closed connection does, and returns how many were in flight. */
  clear() {
    const lost = this.#underway.length;
    for (const { frame } of this.#underway) closeImage(frame);
    this.#underway = [];
    this.#counted = 0;
    this.#highestAnswered = 0;
    return lost;
  }

  #placeOfRefused(code, detail) {
    // A number at or below one that was answered has been counted, so it was not refused.
    const first = this.#underway.findIndex((entry) => entry.index > this.#highestAnswered);
    if (first < 0) return -1;
    const size = Number(/\((\d+) bytes\)/.exec(detail)?.[1]);
    const matches = (entry) =>
      Number.isNaN(size) ? entry.frame.refusal === code : entry.frame.size === size;
    const place = this.#underway.findIndex((entry, at) => at >= first && matches(entry));
    return place < 0 ? first : place;
  }

  #closeOldImages() {
    let pixels = 0;
    for (const { frame } of this.#underway.toReversed()) {
      if (!frame.image) continue;
      pixels += frame.image.width * frame.image.height;
      if (pixels > this.#keptPixels) closeImage(frame);
    }
  }
}

export function closeImage(frame) {
  frame?.image?.close();
  if (frame) frame.image = null;
}
