// Picture files as a source: one after the other, each for a few seconds.

import { SourceProblem } from "../problems/source.js";

const SHOWN_MS = 3000;

export class StillsSource {
  #files;
  #pictures = [];
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
        this.#pictures.push(await createImageBitmap(file));
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
    this.surface = this.#pictures[turn % this.#pictures.length];
  }

  close() {
    for (const picture of this.#pictures) picture.close();
  }
}
