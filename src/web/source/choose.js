// Opens the image source that the user chose.

import { CameraSource } from "./camera.js";
import { DemoSource } from "./demo.js";
import { VideoFileSource } from "./file.js";
import { StillsSource } from "./stills.js";

/**
 * @param choice `files`, `deviceId` and `size` as chosen, and `onProblem` for trouble that comes later
 * @returns the source, not yet open; null if a file must be chosen first
 */
function makeSource(kind, { files, deviceId, size, onProblem }) {
  const longestSide = Math.max(size.width, size.height);
  if (kind === "camera") return new CameraSource({ deviceId, ...size, onProblem });
  if (kind === "demo") return new DemoSource({ longestSide });
  if (files.length === 0) return null;
  return kind === "video" ? new VideoFileSource({ file: files[0] }) : new StillsSource({ files });
}

/** Keeps one source open at a time. If two are being opened, the later one wins. */
export class SourceKeeper {
  #opening = 0;
  current = null;
  kind = null;

  /** Resolves to the open source, or to null if there is none or it is no longer wanted. */
  async open(kind, choice) {
    this.close();
    this.kind = kind;
    const opening = this.#opening;
    const source = makeSource(kind, choice);
    try {
      await source?.open();
    } catch (problem) {
      if (opening !== this.#opening) return null;
      throw problem;
    }
    if (opening !== this.#opening) {
      source?.close();
      return null;
    }
    this.current = source;
    return source;
  }

  close() {
    this.#opening += 1;
    this.current?.close();
    this.current = null;
  }
}
