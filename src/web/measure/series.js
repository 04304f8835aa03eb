// A value over the last minute, one bucket per second, so that its size never grows.

export class Series {
  #buckets = new Map(); // second → values of that second, oldest second first

  constructor({ seconds = 60, summarise }) {
    Object.assign(this, { seconds, summarise });
  }

  add(value, now) {
    const second = Math.floor(now / 1000);
    if (!this.#buckets.has(second)) this.#buckets.set(second, []);
    this.#buckets.get(second).push(value);
    for (const old of this.#buckets.keys()) {
      if (old > second - this.seconds - 1) break;
      this.#buckets.delete(old);
    }
  }

  /** One number for each whole second, oldest first; null where nothing was measured. */
  points(now) {
    const current = Math.floor(now / 1000);
    return Array.from({ length: this.seconds }, (_, at) => {
      const values = this.#buckets.get(current - this.seconds + at);
      return values ? this.summarise(values) : null;
    });
  }
}
