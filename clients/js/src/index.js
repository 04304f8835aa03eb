// Live video to a Framegate server: of what is sent only the newest frame waits, of what is received only the
// newest result. Needs nothing but a WebSocket.

import { Tally } from "../../../src/web/measure/tally.js";
import { Pacer } from "../../../src/web/stream/pacer.js";
import { RateControl } from "../../../src/web/stream/rate.js";
import { StreamSession } from "../../../src/web/stream/session.js";

const PATH = "/ws/video/stream";
const OPTIONS = { conf: "conf", iou: "iou", maxDet: "max_det" };
/** The options that `configure` changes. */
const CHANGES = ["conf", "iou", "maxDet", "classes", "text"];
/** The options that `connect` takes. */
const KNOWN = [...CHANGES, "pipelineId", "track", "fps", "WebSocketClass"];

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

  constructor(url, options) {
    refuseUnknown(options, KNOWN);
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
    this.#session = new StreamSession({
      url: streamUrl(url),
      rate: this.#rate,
      measurements: this.#measurements,
      handlers,
      WebSocketClass,
    });
    this.#session.open(pipelineId, query(asked));
  }

  /** Offers the bytes of a JPEG. It takes the place of a frame that was not sent yet. */
  send(bytes) {
    if (this.#error) throw this.#error;
    if (this.#isClosed) return;
    if (this.#waiting) this.#measurements.tally.keptBack += 1;
    this.#waiting = bytes;
    this.#timer ??= this.#greeting ? this.#schedule() : null;
  }

  /** Changes `conf`, `iou`, `classes`, `maxDet` or `text` for the frames that follow; `null` is the server's default. */
  configure(options) {
    refuseUnknown(options, CHANGES);
    const { maxDet, classes, ...changes } = options;
    if (maxDet !== undefined) changes.max_det = maxDet;
    if (classes !== undefined) changes.classes = classes === null ? null : classList(classes);
    this.#session.configure(changes);
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

  #schedule() {
    return setTimeout(() => this.#flush(), this.#pacer.wait(performance.now(), this.fps));
  }

  #flush() {
    this.#timer = null;
    if (!this.#waiting || !this.#greeting || this.#isClosed) return;
    const now = performance.now();
    const frame = { frame: this.#waiting, bytes: this.#waiting, capturedAt: now, image: null };
    this.#waiting = null;
    this.#pacer.taken(now, this.fps);
    this.#session.offer(frame);
  }

  #stateChanged(name, { code, reason }) {
    if (name === "closed") this.#fail(reason || `the server has closed the session (${code ?? "no code"})`);
    if (name === "waiting") this.#greeting = null;
    if (name === "open" && this.#waiting) this.#timer ??= this.#schedule();
  }

  #answered({ frame }, { frame_index: frameIndex, result, timings_ms: timings, age_ms: ageMs }) {
    this.#newest = { frame, frameIndex, ...result, timings, ageMs };
    this.#notify();
  }

  #problem(code, { detail }) {
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

/** An option that is ignored would look as if it held. */
function refuseUnknown(options, known) {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`there is no option "${unknown}" here, only ${known.join(", ")}`);
}

function query({ track, text, classes, ...others }) {
  const query = {};
  for (const [name, key] of Object.entries(OPTIONS)) if ((others[name] ?? null) !== null) query[key] = String(others[name]);
  if (classes) query.classes = classList(classes).join(",");
  if ((text ?? null) !== null) query.text = text ? "1" : "0";
  if (track) query.track = "1";
  return query;
}

/** `["person", 2]` or `{ person: 0.6, 2: null }`, as the server takes them. */
function classList(classes) {
  if (Array.isArray(classes)) return classes;
  return Object.entries(classes).map(([name, own]) => (own === null ? name : `${name}:${own}`));
}
