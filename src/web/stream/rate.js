// The frame rate to send: what the user wants, until the server advises less.

/** Climbing back to the recommended rate, in frames per second gained each second. */
const CLIMB = 1;
/** Beyond the recommended rate the server's capacity is unknown, so climb slowly. */
const PROBE = 0.25;
const SLOWEST = 0.5;

export class RateControl {
  #wanted;
  #state = "steady";
  #recommended = null;
  #from = { rate: 0, at: 0 };
  locked = false;

  constructor(wanted) {
    this.#wanted = wanted;
  }

  get wanted() {
    return this.#wanted;
  }

  /** `steady` at the wanted rate, `slowed` to the recommended one, or `climbing` back. */
  get state() {
    return this.#state;
  }

  /** The server's last advice in frames per second, or null. */
  get recommended() {
    return this.#recommended;
  }

  want(rate) {
    this.#wanted = rate;
  }

  slowDown(recommended) {
    this.#recommended = Math.max(recommended, SLOWEST);
    this.#state = "slowed";
  }

  recovered(recommended, now) {
    if (this.#state !== "slowed") return;
    this.#from = { rate: Math.min(this.#recommended, this.#wanted), at: now };
    if (Number.isFinite(recommended) && recommended > 0) this.#recommended = recommended;
    this.#state = "climbing";
  }

  /** A new session starts afresh: its server knows nothing of the old advice. */
  reset() {
    this.#state = "steady";
    this.#recommended = null;
  }

  /** Frames per second to send now. */
  rate(now) {
    if (this.locked || this.#state === "steady") return this.#wanted;
    if (this.#state === "slowed") return Math.min(this.#wanted, this.#recommended);
    const rate = this.#climbed((now - this.#from.at) / 1000);
    if (rate < this.#wanted) return rate;
    this.reset();
    return this.#wanted;
  }

  #climbed(seconds) {
    const distance = Math.max(this.#recommended - this.#from.rate, 0);
    const climbing = Math.min(seconds, distance / CLIMB);
    return this.#from.rate + CLIMB * climbing + PROBE * (seconds - climbing);
  }
}
