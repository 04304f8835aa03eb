// Whether the link keeps up.
//
// `bufferedAmount` shows only what the browser holds; the system and the routers behind it hold
// more, and a frame that waits there is late before it is seen. So the time that frames spend on the
// way is watched: while it stays near the shortest seen, more frames may be under way, and when it
// grows well beyond that, fewer.

const FEWEST = 2;
const AT_FIRST = 3;
const MOST = 64;
/** Gained by an answer in time, lest a step be followed by the next before its effect shows. */
const GAIN = 0.25;
const SLACK_MS = 100;

export class LinkWatch {
  #shortest = Infinity;
  #allowed = AT_FIRST;

  /**
   * An answer came whose frame spent this long on the way there and back, the server's own time not
   * counted. Answers of which that is unknown must be left out.
   */
  answered(networkMs, inFlight) {
    const time = Math.max(networkMs, 0);
    this.#shortest = Math.min(this.#shortest, time);
    const isLate = time > 2 * this.#shortest + SLACK_MS;
    // Never far above what is in use, or a link that turns bad would be filled before it is noticed.
    const grown = Math.min(this.#allowed + GAIN, Math.max(inFlight + 3, AT_FIRST), MOST);
    this.#allowed = isLate ? Math.max(this.#allowed / 2, FEWEST) : grown;
  }

  reset() {
    this.#shortest = Infinity;
    this.#allowed = AT_FIRST;
  }

  mayCarry(inFlight) {
    return inFlight < Math.floor(this.#allowed);
  }
}
