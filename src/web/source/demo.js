// The built-in scene as an image source, for machines without a camera.

import { drawScene, SCENE_SIZE } from "./scene.js";

export class DemoSource {
  #context = null;
  #scale;
  surface = document.createElement("canvas");

  constructor({ longestSide }) {
    this.#scale = longestSide / SCENE_SIZE.width;
    this.surface.width = Math.round(SCENE_SIZE.width * this.#scale);
    this.surface.height = Math.round(SCENE_SIZE.height * this.#scale);
  }

  get size() {
    return { width: this.surface.width, height: this.surface.height };
  }

  async open() {
    this.#context = this.surface.getContext("2d");
    this.refresh(performance.now());
  }

  refresh(now) {
    this.#context.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    drawScene(this.#context, now / 1000);
  }

  close() {
    this.#context = null;
  }
}
