// Image files as a source, shown one after another for a few seconds each.

import { SourceProblem } from "../problems/source.js";

const SHOWN_MS = 3000;

export class StillsSource {
  #files;
  #images = [];
  #startedAt = 0;
  surface = null;

  constructor({ files }) {
    this.#files = files;
  }

  get size() {
    return { width: this.surface.width, height: this.surface.height };
  }

  async open() {
    for (const file of this.#files) {
      try {
        this.#images.push(await createImageBitmap(file));
      } catch {
        this.close();
        throw new SourceProblem("image_unreadable", { name: file.name });
      }
    }
    this.#startedAt = performance.now();
    this.refresh(this.#startedAt);
  }

  refresh(now) {
    const turn = Math.floor(Math.max(now - this.#startedAt, 0) / SHOWN_MS);
    this.surface = this.#images[turn % this.#images.length];
  }

  close() {
    for (const image of this.#images) image.close();
  }
}
