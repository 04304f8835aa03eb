// The image with its boxes. A result is drawn on the exact frame that it is about; boxes over the live
// image are an option, and the caption then says how old they are.

import { closeImage } from "../stream/frames.js";
import { drawBoxes } from "./boxes.js";
import { setText } from "./dom.js";
import { fillArea, fitInside } from "./geometry.js";
import { milliseconds } from "./numbers.js";
import { drawTrails, Trails } from "./trails.js";

export class Stage {
  #canvas;
  #context;
  #caption;
  #emptyText;
  #source = null;
  #answer = null; // { frame, message }, the last one
  #isDrawn = false;
  #trails = new Trails();
  view = "answer";

  /** @param onPainted called with an answer when its boxes are on the screen for the first time */
  constructor({ root, canvas, caption, emptyText, onPainted, clock = () => performance.now() }) {
    Object.assign(this, { root, onPainted, clock });
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#caption = caption;
    this.#emptyText = emptyText;
    const draw = () => {
      this.#draw();
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  /** @param source what to show live */
  show(source) {
    this.#source = source;
    this.root.dataset.empty = "false";
    this.forgetAnswer();
  }

  /** @param why there is no image, in words */
  showNothing(why) {
    this.#source = null;
    this.root.dataset.empty = "true";
    setText(this.#emptyText, why);
    this.forgetAnswer();
  }

  /** Takes ownership of the frame and its image. */
  showAnswer(frame, message) {
    closeImage(this.#answer?.frame);
    this.#answer = { frame, message };
    this.#trails.add(message.result.detections, frame.capturedAt);
    this.#isDrawn = false;
  }

  /** Boxes of a session that ended say nothing about what the camera sees now. */
  forgetAnswer() {
    closeImage(this.#answer?.frame);
    this.#answer = null;
    this.#trails.clear();
    this.#isDrawn = false;
  }

  #draw() {
    if (!this.#source) return;
    const showsAnswer = this.view === "answer" && this.#answer?.frame.image;
    const isResized = fillArea(this.#canvas);
    if (showsAnswer && this.#isDrawn && !isResized) return;
    if (!showsAnswer) this.#source.refresh(this.clock());
    this.#drawImage(showsAnswer ? this.#answer.frame.image : this.#source.surface);
    this.#describe(showsAnswer);
    if (this.#answer && !this.#isDrawn) this.onPainted(this.#answer);
    this.#isDrawn = true;
  }

  #drawImage(image) {
    const width = image.videoWidth ?? image.width;
    const height = image.videoHeight ?? image.height;
    if (!(width > 0)) return;
    this.root.style.setProperty("--aspect", String(width / height));
    const placement = fitInside({ width, height }, this.#canvas);
    this.#context.fillStyle = "#0b1116";
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#context.drawImage(image, placement.x, placement.y, placement.width, placement.height);
    if (!this.#answer) return;
    // The frame that was sent may be smaller than the live image.
    const { result } = this.#answer.message;
    const onFrame = { ...placement, scale: placement.width / result.width };
    drawTrails(this.#context, this.#trails.lines, onFrame, devicePixelRatio);
    drawBoxes(this.#context, result.detections, onFrame, devicePixelRatio);
  }

  #describe(showsAnswer) {
    setText(this.#caption, this.#captionText(showsAnswer));
    this.root.dataset.frame = this.#answer ? String(this.#answer.message.frame_index) : "";
    this.root.dataset.shows = showsAnswer ? "answer" : "live";
  }

  #captionText(showsAnswer) {
    if (!this.#answer) return "Live image, no boxes";
    const { frame, message } = this.#answer;
    const { width, height } = message.result;
    const title = `Frame ${message.frame_index} · ${width} × ${height}`;
    if (showsAnswer) return `${title} · boxes on their own frame`;
    // In steps, or the caption would change too fast to read.
    const old = Math.round((this.clock() - frame.capturedAt) / 50) * 50;
    return `Live image · boxes of frame ${message.frame_index} are ${milliseconds(old)} old`;
  }
}
