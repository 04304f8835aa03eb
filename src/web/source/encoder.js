// Encodes images as JPEG: in a worker where the browser supports it, else on the page's own thread.

/**
 * A browser keeps the encoded bytes outside the worker until the worker's garbage is collected. A
 * worker produces so little garbage that this can take minutes and, with large frames, hundreds of
 * megabytes. So a new worker takes over after this many bytes.
 */
const RENEW_BYTES = 4_000_000;

export class Encoder {
  #worker = null;
  #canvas = null;
  #encodedBytes = 0;

  constructor() {
    if (typeof OffscreenCanvas !== "undefined") this.#worker = startWorker();
  }

  /** Where the encoding happens: `worker` or `page`. */
  get where() {
    return this.#worker ? "worker" : "page";
  }

  /** One image at a time. Resolves to `{ image, bytes }`; the image is an ImageBitmap. */
  async encode(image, quality) {
    if (!this.#worker) return this.#encodeOnPage(image, quality);
    try {
      const encoded = await this.#encodeInWorker(image, quality);
      this.#renewAfter(encoded.bytes.byteLength);
      return encoded;
    } catch {
      // The worker could not be loaded, and this image is lost with it: encode the next one here.
      this.#worker.terminate();
      this.#worker = null;
      return null;
    }
  }

  #encodeInWorker(image, quality) {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = (event) => resolve(event.data);
      this.#worker.onerror = reject;
      this.#worker.postMessage({ image, quality }, [image]);
    });
  }

  #renewAfter(bytes) {
    this.#encodedBytes += bytes;
    if (this.#encodedBytes < RENEW_BYTES) return;
    this.#worker.terminate();
    this.#worker = startWorker();
    this.#encodedBytes = 0;
  }

  async #encodeOnPage(image, quality) {
    this.#canvas ??= document.createElement("canvas");
    this.#canvas.width = image.width;
    this.#canvas.height = image.height;
    this.#canvas.getContext("2d", { alpha: false }).drawImage(image, 0, 0);
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", quality));
    return { image, bytes: await blob.arrayBuffer() };
  }
}

const startWorker = () => new Worker(new URL("./encode-worker.js", import.meta.url), { type: "module" });
