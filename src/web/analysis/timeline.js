// The results of a video by the time at which their frames are shown.

/** Times of the server and of the browser are rounded differently. */
const TOLERANCE_MS = 1;

export class Timeline {
  #results = [];

  /** Results come in the order in which frames are shown. */
  add(result) {
    this.#results.push(result);
  }

  get length() {
    return this.#results.length;
  }

  /** The result of the frame that is on display at this time: the last that has begun. `null` before the first. */
  at(timeMs) {
    let [low, high] = [0, this.#results.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#results[middle].time_ms <= timeMs + TOLERANCE_MS) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? this.#results[low - 1] : null;
  }
}
