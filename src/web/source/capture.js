// Takes pictures from a source, evenly and at the rate that is asked for, and encodes them.

import { Pacer } from "../stream/pacer.js";
import { shrinkTo } from "../view/geometry.js";

const IDLE_MS = 50;

export class Capture {
  #run = 0;
  #pacer = new Pacer();

  /**
   * @param encoder as of `encoder.js`
   * @param rate    frames a second at a time, called before each frame
   * @param isWanted whether a frame could be sent now; without that none is taken
   * @param onFrame gets `{ bytes, picture, capturedAt }`
   */
  constructor({ encoder, rate, isWanted, onFrame, clock = () => performance.now() }) {
    Object.assign(this, { encoder, rate, isWanted, onFrame, clock });
  }

  /** `quality` of JPEG from 0 to 1; pictures are shrunk until their longer side is `longestSide`. */
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
      if (run !== this.#run) return frame?.picture.close();
      if (frame) this.onFrame(frame);
    }
  }

  async #take(source, { longestSide, quality }) {
    const capturedAt = this.clock();
    source.refresh(capturedAt);
    const { width, height } = shrinkTo(source.size, longestSide);
    let picture;
    try {
      picture = await createImageBitmap(source.surface, {
        resizeWidth: width,
        resizeHeight: height,
        resizeQuality: "medium",
      });
    } catch {
      return null; // A video has moments without a picture, as when a phone is turned.
    }
    const encoded = await this.encoder.encode(picture, quality);
    return encoded && { ...encoded, capturedAt };
  }
}
