// Cuts a stream of text into lines of JSON.

export class LineReader {
  #rest = "";

  /** @returns the messages that a further piece of text completes */
  push(text) {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop();
    return parts.filter((line) => line !== "").map((line) => JSON.parse(line));
  }
}
