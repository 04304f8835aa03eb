// Takes images from a source, evenly spaced at the requested rate, and encodes them.

import { Pacer } from "../stream/pacer.js";
import { shrinkTo } from "../view/geometry.js";

const IDLE_MS = 50;

export class Capture {
  #run = 0;
  #pacer = new Pacer();

  /**
   * @param encoder from `encoder.js`
   * @param rate    called before each frame; returns frames per second
   * @param isWanted whether a frame could be sent now; if not, none is taken
   * @param onFrame gets `{ bytes, image, capturedAt }`
   */
  constructor({ encoder, rate, isWanted, onFrame, clock = () => performance.now() }) {
    Object.assign(this, { encoder, rate, isWanted, onFrame, clock });
  }

  /** JPEG `quality` from 0 to 1; larger images are shrunk until their longer side is `longestSide`. */
  start(source, settings) {
    this.#run += 1;
    this.#loop(this.#run, source, settings);
  }

  stop() {
    this.#run += 1;
  }

  async #loop(run, source, settings) {
    while (true) {
      const now = this.clock();
      const wait = this.isWanted() ? this.#pacer.wait(now, this.rate(now)) : IDLE_MS;
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (run !== this.#run) return;
      if (!this.isWanted()) continue;
      this.#pacer.taken(this.clock(), this.rate(this.clock()));
      const frame = await this.#take(source, settings());
      if (run !== this.#run) return frame?.image.close();
      if (frame) this.onFrame(frame);
    }
  }

  async #take(source, { longestSide, quality }) {
    const capturedAt = this.clock();
    source.refresh(capturedAt);
    const { width, height } = shrinkTo(source.size, longestSide);
    let image;
    try {
      image = await createImageBitmap(source.surface, {
        resizeWidth: width,
        resizeHeight: height,
        resizeQuality: "medium",
      });
    } catch {
      return null; // A video may have no image for a moment, as when a phone is rotated.
    }
    const encoded = await this.encoder.encode(image, quality);
    return encoded && { ...encoded, capturedAt };
  }
}
