// A camera as an image source.

import { cameraProblem, SourceProblem } from "../problems/source.js";
import { playingVideo } from "./video.js";

export class CameraSource {
  #stream = null;
  #options;
  surface = null;

  /**
   * @param options `deviceId` ("" for any), `width` and `height` to ask for, and `onProblem`,
   *   called when the camera is lost later
   */
  constructor(options) {
    this.#options = options;
  }

  get size() {
    return { width: this.surface.videoWidth, height: this.surface.videoHeight };
  }

  get deviceId() {
    return this.#stream.getVideoTracks()[0].getSettings().deviceId;
  }

  async open() {
    if (!globalThis.isSecureContext || !navigator.mediaDevices) {
      throw new SourceProblem("insecure_origin", { origin: location.origin });
    }
    const { deviceId, width, height, onProblem } = this.#options;
    const video = {
      width: { ideal: width },
      height: { ideal: height },
      ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "environment" }),
    };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      this.surface = await playingVideo((element) => {
        element.srcObject = this.#stream;
      });
    } catch (error) {
      this.close();
      throw cameraProblem(error);
    }
    this.#stream.getVideoTracks()[0].onended = () => onProblem(new SourceProblem("camera_lost"));
  }

  refresh() {}

  close() {
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.#stream = null;
  }
}

/** The cameras of this machine. Their labels are empty until the user has allowed one. */
export async function listCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices
    .filter((device) => device.kind === "videoinput")
    .map(({ deviceId, label }, at) => ({ deviceId, label: label || `Camera ${at + 1}` }));
}
