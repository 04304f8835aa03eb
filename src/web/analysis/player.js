// The file itself, with the boxes of the frame on display over it.

import { drawBoxes } from "../view/boxes.js";
import { fillArea, fitInside } from "../view/geometry.js";

export class Player {
  #video;
  #canvas;
  #context;
  #timeline = null;
  #url = null;
  #drawn = null;

  /** @param onFrame gets the result on display, or null */
  constructor({ root, video, canvas, onFrame }) {
    Object.assign(this, { root, onFrame });
    this.#video = video;
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    video.addEventListener("error", () => (root.dataset.playable = "false"));
    // Most browsers say which frame a video shows; in others its clock is close.
    const saysFrames = "requestVideoFrameCallback" in video;
    const events = ["seeked", "loadeddata", "pause", ...(saysFrames ? [] : ["timeupdate"])];
    for (const event of events) video.addEventListener(event, () => this.refresh());
    const next = () =>
      video.requestVideoFrameCallback((_, { mediaTime }) => {
        this.#draw(mediaTime * 1000);
        next();
      });
    if (saysFrames) next();
  }

  open(file, timeline) {
    this.close();
    this.#timeline = timeline;
    this.root.dataset.playable = "true";
    this.#url = URL.createObjectURL(file);
    this.#video.src = this.#url;
  }

  close() {
    this.#video.pause();
    this.#video.removeAttribute("src");
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
    this.#timeline = null;
    this.refresh();
  }

  /** Draws the boxes of the time at which the video is. */
  refresh() {
    this.#draw(this.#video.currentTime * 1000);
  }

  #draw(timeMs) {
    const found = this.#timeline?.at(timeMs) ?? null;
    const isResized = fillArea(this.#canvas);
    if (found === this.#drawn && !isResized) return;
    this.#drawn = found;
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.root.dataset.frame = found ? String(found.frame_index) : "";
    if (found) {
      const placement = fitInside(found.result, this.#canvas);
      drawBoxes(this.#context, found.result.detections, placement, devicePixelRatio);
    }
    this.onFrame(found);
  }
}
