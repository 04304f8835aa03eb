// A video file as an image source, played in a loop and streamed like a camera.

import { SourceProblem } from "../problems/source.js";
import { playingVideo } from "./video.js";

export class VideoFileSource {
  #file;
  #url = null;
  surface = null;

  constructor({ file }) {
    this.#file = file;
  }

  get size() {
    return { width: this.surface.videoWidth, height: this.surface.videoHeight };
  }

  async open() {
    this.#url = URL.createObjectURL(this.#file);
    try {
      this.surface = await playingVideo((element) => {
        element.src = this.#url;
      });
    } catch {
      this.close();
      throw new SourceProblem("video_unplayable", { name: this.#file.name });
    }
    if (this.size.width > 0) return;
    this.close();
    throw new SourceProblem("video_unplayable", { name: this.#file.name });
  }

  refresh() {}

  close() {
    this.surface?.pause();
    this.surface?.removeAttribute("src");
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }
}
