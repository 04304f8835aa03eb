// Numbers of the last few seconds.

export class RollingWindow {
  #spanMs;
  #entries = []; // oldest first: { at, value }

  constructor(spanMs) {
    this.#spanMs = spanMs;
  }

  add(value, now) {
    this.#entries.push({ at: now, value });
    this.#forget(now);
  }

  clear() {
    this.#entries = [];
  }

  values(now) {
    this.#forget(now);
    return this.#entries.map((entry) => entry.value);
  }

  /** Entries per second. While the window fills up, only the time since the first entry counts. */
  perSecond(now) {
    const { length } = this.values(now);
    if (length < 2) return 0;
    const covered = Math.max(now - this.#entries[0].at, 1);
    return ((length - 1) / covered) * 1000;
  }

  #forget(now) {
    const oldest = now - this.#spanMs;
    const keep = this.#entries.findIndex((entry) => entry.at > oldest);
    if (keep !== 0) this.#entries.splice(0, keep < 0 ? this.#entries.length : keep);
  }
}

/** The value below which this share of the values lies; null without values. */
export function quantile(values, share) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

export const median = (values) => quantile(values, 0.5);
