// The last messages, shortened. Bounded, so that the page can run for days.

const KEPT = 100;

export class MessageLog {
  #entries = []; // oldest first: { at: ISO time, kind, text }

  add(kind, text, date = new Date()) {
    this.#entries.push({ at: date.toISOString(), kind, text });
    if (this.#entries.length > KEPT) this.#entries.shift();
  }

  get entries() {
    return this.#entries;
  }
}
