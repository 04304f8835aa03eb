// A job on the server: the upload with its progress, the lines as they come, the end.

import { Backoff } from "../stream/backoff.js";
import { LineReader } from "./lines.js";

/** What the server, or the way to it, had against it. */
export class JobProblem extends Error {
  constructor(detail) {
    super(detail);
  }
}

/** A server that shuts down says so in a line of its own, which is not one of the job's. */
const isInterruption = (message) => message.error === "draining" && message.frame_index === undefined;
const isEnd = (message) => message.done !== undefined || (message.error !== undefined && message.frame_index === undefined);

export class Job {
  #address;
  #request = null;
  #following = new AbortController();
  id = null;
  isCancelled = false;

  /** @param address makes a whole address of a path */
  constructor({ address = (path) => new URL(path, document.baseURI) } = {}) {
    this.#address = address;
  }

  /** Sends a file. @param onProgress gets the share that is sent, 0 to 1 */
  submit(file, pipeline, onProgress) {
    const url = this.#address("video/submit");
    if (pipeline) url.searchParams.set("pipeline_id", pipeline);
    const request = new XMLHttpRequest(); // `fetch` does not say how much was sent.
    this.#request = request;
    return new Promise((resolve, reject) => {
      request.open("POST", url);
      request.setRequestHeader("content-type", file.type.startsWith("video/") ? file.type : "application/octet-stream");
      request.responseType = "text";
      request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
      request.onload = () => {
        if (request.status !== 202) return reject(new JobProblem(detailOf(request.responseText, request.status)));
        this.id = JSON.parse(request.responseText).job_id;
        resolve();
      };
      request.onerror = () => reject(new JobProblem("The connection to the server broke off."));
      request.onabort = () => resolve();
      request.send(file);
    });
  }

  /** Yields every line of the job once, to the last. A connection that is lost is made again. */
  async *lines() {
    const backoff = new Backoff();
    let count = 0;
    while (!this.isCancelled) {
      try {
        for await (const message of this.#linesFrom(count)) {
          if (isInterruption(message)) break;
          count += 1;
          backoff.succeeded();
          yield message;
          if (isEnd(message)) return;
        }
      } catch (error) {
        if (this.isCancelled) return;
        if (error instanceof JobProblem) throw error;
      }
      if (!this.isCancelled) await this.#pause(backoff.next());
    }
  }

  async *#linesFrom(from) {
    const url = this.#address(`video/results/${this.id}?from=${from}`);
    const headers = { accept: "application/x-ndjson" };
    const response = await fetch(url, { headers, cache: "no-store", signal: this.#following.signal });
    if (response.status === 404) throw new JobProblem("The server has forgotten the job.");
    if (!response.ok) throw new Error(`status ${response.status}`);
    const reader = new LineReader();
    for (const text = response.body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
      const { value, done } = await text.read();
      if (done) return;
      yield* reader.push(value);
    }
  }

  #pause(ms) {
    return new Promise((resolve) => {
      setTimeout(resolve, ms);
      this.#following.signal.addEventListener("abort", resolve, { once: true });
    });
  }

  /** Ends the upload or the job; the server forgets it. */
  cancel() {
    this.isCancelled = true;
    this.#request?.abort();
    this.#following.abort();
    // Sent even if the page is being closed.
    if (this.id) fetch(this.#address(`video/${this.id}`), { method: "DELETE", keepalive: true }).catch(() => {});
  }
}

function detailOf(text, status) {
  try {
    return JSON.parse(text).detail ?? `The server answered with status ${status}.`;
  } catch {
    return `The server answered with status ${status}.`;
  }
}
