// Pictures to JPEG: in a worker where the browser can, else on the page's own thread.

/**
 * A browser keeps the encoded bytes outside the worker until the worker's garbage is collected. The
 * worker makes so little of it that this can take minutes, and with large frames hundreds of
 * megabytes, so a new worker takes over after this many bytes.
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

  /** One picture at a time. Resolves to `{ picture, bytes }`; the picture is an ImageBitmap. */
  async encode(picture, quality) {
    if (!this.#worker) return this.#encodeOnPage(picture, quality);
    try {
      const encoded = await this.#encodeInWorker(picture, quality);
      this.#renewAfter(encoded.bytes.byteLength);
      return encoded;
    } catch {
      // The worker could not be loaded, and took this picture with it: the next one goes here.
      this.#worker.terminate();
      this.#worker = null;
      return null;
    }
  }

  #encodeInWorker(picture, quality) {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = (event) => resolve(event.data);
      this.#worker.onerror = reject;
      this.#worker.postMessage({ picture, quality }, [picture]);
    });
  }

  #renewAfter(bytes) {
    this.#encodedBytes += bytes;
    if (this.#encodedBytes < RENEW_BYTES) return;
    this.#worker.terminate();
    this.#worker = startWorker();
    this.#encodedBytes = 0;
  }

  async #encodeOnPage(picture, quality) {
    this.#canvas ??= document.createElement("canvas");
    this.#canvas.width = picture.width;
    this.#canvas.height = picture.height;
    this.#canvas.getContext("2d", { alpha: false }).drawImage(picture, 0, 0);
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", quality));
    return { picture, bytes: await blob.arrayBuffer() };
  }
}

const startWorker = () => new Worker(new URL("./encode-worker.js", import.meta.url), { type: "module" });
