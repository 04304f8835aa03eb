// Limits the frames in flight to what the link carries without delay.
//
// `bufferedAmount` shows only what the browser holds; the system and the routers behind it hold
// more, and a frame that waits there arrives late. So this watches the time that frames spend in
// transit: while it stays near the shortest seen, more frames may be in flight, and when it grows well
// beyond that, fewer.

const FEWEST = 2;
const AT_FIRST = 3;
const MOST = 64;
/** Gained per answer in time: small, so that a step shows its effect before the next one. */
const GAIN = 0.25;
const SLACK_MS = 100;

export class LinkWatch {
  #shortest = Infinity;
  #allowed = AT_FIRST;

  /**
   * Records an answer whose frame and result spent this long in transit, excluding the server's own
   * time. Leave out answers for which that is unknown.
   */
  answered(networkMs, inFlight) {
    const time = Math.max(networkMs, 0);
    this.#shortest = Math.min(this.#shortest, time);
    const isLate = time > 2 * this.#shortest + SLACK_MS;
    // Never far above what is in use, or a link that deteriorates would fill up before it is noticed.
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
