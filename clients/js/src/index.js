// Live video to a Framegate server: of what is sent only the newest frame waits, of what is received only the
// newest result. Needs nothing but a WebSocket.

import { changesMessage, checkOptions, query } from "./options.js";
import { permanentRefusal } from "./refusal.js";
import { refusalOf } from "../../../src/web/stream/jpeg.js";
import { Tally } from "../../../src/web/measure/tally.js";
import { Pacer } from "../../../src/web/stream/pacer.js";
import { RateControl } from "../../../src/web/stream/rate.js";
import { StreamSession } from "../../../src/web/stream/session.js";

/** Errors of single frames. */
const FRAME_PROBLEMS = ["invalid_frame", "frame_too_large", "decode_failed", "pipeline_failure"];
const PATH = "/ws/video/stream";

/** A failure that connecting again would not mend. */
export class StreamError extends Error {}

/** What the session counts, without the page's charts. */
class Measurements {
  tally = new Tally();
  sent() {
    this.tally.sent += 1;
  }
  result(_, now) {
    this.tally.result(now);
  }
  connectionEnded(lost) {
    this.tally.connectionEnded(lost);
  }
}

export class Connection {
  /** Called with each change of `state` and its facts. */
  onstate = null;
  /** Called with what befell a single frame, `{ code, detail }`; the session goes on. */
  onproblem = null;
  #url;
  #state = "connecting";
  #session;
  #rate;
  #pacer = new Pacer();
  #measurements = new Measurements();
  #greeting = null;
  #waiting = null;
  #timer = null;
  #newest = null;
  #wake = null;
  #error = null;
  #isClosed = false;
  /** Counts frames given to `send`: a Blob is read meanwhile. */
  #given = 0;

  constructor(url, options) {
    checkOptions(options);
    const { pipelineId = null, fps = 30, WebSocketClass = globalThis.WebSocket, ...asked } = options;
    if (!WebSocketClass) throw new TypeError("there is no WebSocket here: give WebSocketClass, or use Node 22");
    this.#rate = new RateControl(fps);
    const handlers = {
      state: (name, facts) => this.#stateChanged(name, facts),
      greeting: (session) => (this.#greeting = session),
      answer: (frame, message) => this.#answered(frame, message),
      advice: () => {},
      problem: (code, facts) => this.#problem(code, facts),
      message: () => {},
    };
    const address = streamUrl(url);
    this.#url = withQuery(address, { ...query(asked), ...(pipelineId === null ? {} : { pipeline_id: pipelineId }) });
    this.#session = new StreamSession({
      url: address,
      rate: this.#rate,
      measurements: this.#measurements,
      handlers,
      WebSocketClass,
    });
    this.#session.open(pipelineId, query(asked));
  }

  /**
   * Offers a JPEG. It takes the place of a frame that was not sent yet. Throws for what is not one; for a Blob, which
   * takes time to read, `onproblem` is called.
   */
  send(frame) {
    if (this.#error) throw this.#error;
    if (this.#isClosed) return;
    this.#given += 1;
    if (frame instanceof Blob) this.#read(frame, this.#given);
    else this.#offer(frame, bytesOf(frame));
  }

  /** Changes `conf`, `iou`, `classes`, `maxDet` or `text` for the frames that follow; `null` is the server's default. */
  configure(options) {
    this.#session.configure(changesMessage(options));
  }

  /** The newest result that was not received yet; `null` when the connection is closed. */
  async receive() {
    while (!this.#newest && !this.#error && !this.#isClosed) {
      await new Promise((resolve) => {
        const before = this.#wake;
        this.#wake = () => {
          before?.();
          resolve();
        };
      });
    }
    if (this.#error) throw this.#error;
    const result = this.#newest;
    this.#newest = null;
    return result;
  }

  async *[Symbol.asyncIterator]() {
    for (let result = await this.receive(); result; result = await this.receive()) yield result;
  }

  /** `connecting`, `open`, `waiting` (to connect again) or `closed`. */
  get state() {
    return this.#state;
  }

  /** The server's description of itself, and the options in force; `null` before it has connected. */
  get session() {
    return this.#greeting;
  }

  /** Frames by what became of them. */
  get counts() {
    return { ...this.#measurements.tally.totals, replaced: this.#measurements.tally.keptBack };
  }

  get inFlight() {
    return this.#session.inFlight;
  }

  /** Frames per second that are sent at most now. */
  get fps() {
    return this.#rate.rate(performance.now());
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#session.close();
    this.#notify();
  }

  async #read(blob, number) {
    try {
      const bytes = bytesOf(await blob.arrayBuffer());
      if (this.#isClosed || this.#error) return;
      if (number === this.#given) this.#offer(blob, bytes);
      else this.#measurements.tally.keptBack += 1;
    } catch (error) {
      this.onproblem?.({ code: "invalid_frame", detail: error.message });
    }
  }

  #offer(frame, bytes) {
    if (this.#waiting) this.#measurements.tally.keptBack += 1;
    this.#waiting = { frame, bytes };
    this.#timer ??= this.#greeting ? this.#schedule() : null;
  }

  #schedule() {
    return setTimeout(() => this.#flush(), this.#pacer.wait(performance.now(), this.fps));
  }

  #flush() {
    this.#timer = null;
    if (!this.#waiting || !this.#greeting || this.#isClosed) return;
    const now = performance.now();
    const frame = { ...this.#waiting, capturedAt: now, image: null };
    this.#waiting = null;
    this.#pacer.taken(now, this.fps);
    this.#session.offer(frame);
  }

  #stateChanged(name, facts) {
    const { code, reason } = facts;
    const wasGreeted = this.#greeting !== null;
    if (name === "waiting" || name === "closed" || name === "stopped") this.#greeting = null;
    if (name === "closed") this.#fail(reason || `the server has closed the session (${code ?? "no code"})`);
    if (name === "open" && this.#waiting) this.#timer ??= this.#schedule();
    this.#say(name === "stopped" ? "closed" : name, facts);
    if (name === "waiting" && !wasGreeted) this.#explain();
  }

  #say(name, facts) {
    if (this.#state === "closed") return;
    this.#state = name;
    this.onstate?.(name, facts);
  }

  /** Asks why the server does not take this client, and gives up where that would not pass. */
  async #explain() {
    const reason = await permanentRefusal(this.#url);
    if (reason === null || this.#state !== "waiting") return;
    this.#fail(reason);
    this.#session.close();
  }

  #answered({ frame }, { frame_index: frameIndex, result, timings_ms: timings, age_ms: ageMs }) {
    this.#newest = { frame, frameIndex, ...result, timings, ageMs };
    this.#notify();
  }

  #problem(code, { detail, size, limit }) {
    if (FRAME_PROBLEMS.includes(code)) this.onproblem?.({ code, detail: detail ?? `the frame has ${size} bytes, the server takes ${limit}` });
    if (code === "invalid_pipeline" || code === "invalid_message") this.#fail(detail);
    if (code === "version_mismatch") this.#fail("the server does not speak this protocol");
  }

  #fail(reason) {
    if (!this.#isClosed) this.#error ??= new StreamError(reason);
    this.#notify();
  }

  #notify() {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

/** Opens a session with a server. */
export function connect(url, options = {}) {
  return new Connection(url, options);
}

function streamUrl(url) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = { "http:": "ws:", "https:": "wss:" }[address.protocol] ?? address.protocol;
  if (address.pathname === "/") address.pathname = PATH;
  return address.href;
}

function withQuery(address, parameters) {
  const url = new URL(address);
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  return url.href;
}

/** The bytes of a frame, if it is a JPEG. */
function bytesOf(frame) {
  if (!(ArrayBuffer.isView(frame) || frame instanceof ArrayBuffer)) {
    throw new TypeError("a frame is the bytes of a JPEG: an ArrayBuffer, a Uint8Array or a Blob");
  }
  const bytes = ArrayBuffer.isView(frame) ? new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength) : new Uint8Array(frame);
  if (refusalOf(bytes)) throw new TypeError("the frame is not a JPEG, or not a whole one: it must begin with FF D8 and hold FF D9");
  return bytes;
}
