// Spaces frames evenly. A late frame does not make the next ones early: no bursts.

export class Pacer {
  #last = -Infinity;

  /** Milliseconds until the next frame is due. */
  wait(now, rate) {
    return Math.max(this.#last + 1000 / rate - now, 0);
  }

  /** Records that a frame was taken now. Timers fire late; up to half an interval is made up for. */
  taken(now, rate) {
    const interval = 1000 / rate;
    this.#last = Math.max(this.#last + interval, now - interval / 2);
  }
}
