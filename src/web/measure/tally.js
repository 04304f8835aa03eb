// Counts what became of each frame: sent = results + dropped + failed + refused + lost + in flight.

import { RollingWindow } from "./window.js";

const DROP_WINDOW_MS = 3000;
/** Fewer answers than this make no meaningful rate; the server waits for the same number. */
const FEWEST_ANSWERS = 10;

export class Tally {
  sent = 0;
  results = 0;
  /** Frames that never left the page: a newer one took their place, or they were too large. */
  keptBack = 0;
  /** Frames whose answer was lost with the connection. */
  lost = 0;
  dropped = {};
  failed = {};
  refused = {};
  #answers = new RollingWindow(DROP_WINDOW_MS);

  result(now) {
    this.results += 1;
    this.#answers.add(false, now);
  }

  drop(reason, now) {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
    this.#answers.add(true, now);
  }

  /** The server counted the frame but could not finish it. */
  fail(code, now) {
    this.failed[code] = (this.failed[code] ?? 0) + 1;
    this.#answers.add(false, now);
  }

  /** The server did not count the frame. */
  refuse(code) {
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }

  connectionEnded(lost) {
    this.lost += lost;
    this.#answers.clear();
  }

  get totals() {
    const [dropped, failed, refused] = [this.dropped, this.failed, this.refused].map(sum);
    return { sent: this.sent, results: this.results, dropped, failed, refused, lost: this.lost };
  }

  /** Share of dropped frames among those answered in the last few seconds, or null. */
  dropRate(now) {
    const answers = this.#answers.values(now);
    if (answers.length < FEWEST_ANSWERS) return null;
    return answers.filter(Boolean).length / answers.length;
  }
}

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
