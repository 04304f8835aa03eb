// When to reconnect, and how long to wait first.

/**
 * Closes after which reconnecting is pointless: a clean goodbye (1000, or 1005 without a code), and
 * those by which the server says that it will not accept what this client sends.
 */
const FINAL_CLOSES = new Set([1000, 1003, 1005, 1007, 1008, 1009, 1010]);

export function shouldReconnect(closeCode) {
  return !FINAL_CLOSES.has(closeCode);
}

/** Waits of 1 s, 2 s, 4 s … 30 s, each with jitter so that clients do not reconnect in step. */
export class Backoff {
  #attempt = 0;
  #random;

  constructor({ firstMs = 1000, longestMs = 30_000, jitter = 0.2, random = Math.random } = {}) {
    Object.assign(this, { firstMs, longestMs, jitter });
    this.#random = random;
  }

  /** Attempts since the last success. */
  get attempt() {
    return this.#attempt;
  }

  next() {
    const planned = Math.min(this.firstMs * 2 ** this.#attempt, this.longestMs);
    this.#attempt += 1;
    const shift = 1 + this.jitter * (2 * this.#random() - 1);
    return Math.min(Math.round(planned * shift), this.longestMs);
  }

  succeeded() {
    this.#attempt = 0;
  }
}
