// The WebSocket client: JPEG frames out, messages in. It needs only `backoff.js` and `messages.js`
// and does not touch the page, so another project can use the three files as they are.

import { Backoff, shouldReconnect } from "./backoff.js";
import { readMessage } from "./messages.js";

const OPEN = 1;
const NORMAL_CLOSE = 1000;
/** As browsers report a connection that failed. */
const ABNORMAL_CLOSE = 1006;
/** A close code from the range for applications: the connection was considered dead. */
const SILENT_CLOSE = 4000;
const POLL_MS = 4;

/**
 * `handlers` may hold one function for each kind of message (`greeting`, `result`, `drop`,
 * `slow_down`, `recovered`, `draining`, `backend_changed`, `error`, `unknown`), each called with the parsed message,
 * and also:
 *   message(kind, text)  every message, before its own handler
 *   state(name, facts)   `connecting`, `open` (greeted, frames may go), `waiting` (with `delayMs`
 *                        and `attempt`), `closed` (for good); the last two with `code` and `reason`
 *   mismatch(text)       the first message was not a greeting; the connection is closed for good
 *   sent(frame)          the bytes of this frame were passed to the browser
 *   replaced(frame)      a newer frame took this one's place before it was sent
 */
export class StreamSocket {
  #socket = null;
  #greeted = false;
  #unsent = null;
  #pollTimer = null;
  #reconnectTimer = null;
  #silenceTimer = null;
  #query = {};
  #changes = {};

  /**
   * @param url      of the endpoint, with ws: or wss:
   * @param mayCarry called before a frame is sent; false holds it back until a later frame or answer
   * @param silenceMs a connection with a frame in flight that stays silent this long is dead
   */
  constructor({
    url,
    handlers,
    mayCarry = () => true,
    silenceMs = 10_000,
    backoff = new Backoff(),
    WebSocketClass = globalThis.WebSocket,
  }) {
    Object.assign(this, { url, handlers, mayCarry, silenceMs, backoff, WebSocketClass });
  }

  /** Connects; `query` holds further parameters such as `pipeline_id`. */
  open(query = {}) {
    this.close();
    this.#query = query;
    this.#connect();
  }

  /** Changes options of the session, such as `conf`; also of those that follow when the connection is lost. */
  configure(changes) {
    Object.assign(this.#changes, changes);
    if (this.#greeted) this.#sendChanges(changes);
  }

  #sendChanges(changes) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify({ configure: changes }));
  }

  /** Says goodbye. Nothing is sent and nothing is reported after this. */
  close() {
    clearTimeout(this.#reconnectTimer);
    this.#letGo()?.close(NORMAL_CLOSE);
    this.backoff.succeeded();
  }

  /** Sends the frame now or as soon as the one before it has left; at most one frame waits. */
  offer(frame) {
    if (!this.#greeted) return this.#call("replaced", frame);
    if (this.#unsent) this.#call("replaced", this.#unsent);
    this.#unsent = frame;
    this.#flush();
  }

  #connect() {
    const url = new URL(this.url);
    for (const [key, value] of Object.entries({ ...this.#query, hello: "1" })) {
      url.searchParams.set(key, value);
    }
    const socket = new this.WebSocketClass(url.href);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    // A socket that was abandoned may still have events pending.
    const whileCurrent = (react) => (event) => socket === this.#socket && react(event);
    socket.onmessage = whileCurrent((event) => this.#receive(event.data));
    socket.onclose = whileCurrent((event) => this.#closed(event.code, event.reason));
    // Node 20 reports no close after an error. An error without a handler would end a program that uses `ws`.
    socket.onerror = whileCurrent(() => this.#failed());
    this.#call("state", "connecting", { attempt: this.backoff.attempt });
  }

  #receive(text) {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = null;
    const { kind, message } = readMessage(text);
    this.#call("message", kind, text);
    if (!this.#greeted && kind !== "error") {
      if (kind !== "greeting") return this.#mismatch(text);
      this.#greeted = true;
      if (Object.keys(this.#changes).length > 0) this.#sendChanges(this.#changes);
      this.#call("state", "open", {});
    }
    if (kind === "result" || kind === "drop") this.backoff.succeeded();
    this.#call(kind, message);
    this.#flush();
  }

  #flush() {
    clearTimeout(this.#pollTimer);
    if (!this.#unsent || this.#socket?.readyState !== OPEN) return;
    this.#silenceTimer ??= setTimeout(() => this.#silent(), this.silenceMs);
    // The browser does not report that its buffer has drained, so poll it.
    if (this.#socket.bufferedAmount > 0 || !this.mayCarry()) {
      this.#pollTimer = setTimeout(() => this.#flush(), POLL_MS);
      return;
    }
    const frame = this.#unsent;
    this.#unsent = null;
    this.#socket.send(frame.bytes);
    this.#call("sent", frame);
  }

  #silent() {
    this.#letGo()?.close(SILENT_CLOSE);
    this.#reconnect(SILENT_CLOSE, "no answer");
  }

  #mismatch(text) {
    this.close();
    this.#call("mismatch", text);
  }

  /** Not every WebSocket says `close` after an error: what it says later is ignored. */
  #failed() {
    this.#letGo()?.close();
    this.#reconnect(ABNORMAL_CLOSE, "");
  }

  #closed(code, reason) {
    this.#letGo();
    if (shouldReconnect(code)) this.#reconnect(code, reason);
    else this.#call("state", "closed", { code, reason });
  }

  #reconnect(code, reason) {
    const delayMs = this.backoff.next();
    this.#reconnectTimer = setTimeout(() => this.#connect(), delayMs);
    this.#call("state", "waiting", { code, reason, delayMs, attempt: this.backoff.attempt });
  }

  /** Forgets the connection and returns it; its later events are ignored. */
  #letGo() {
    const socket = this.#socket;
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = null;
    if (this.#unsent) this.#call("replaced", this.#unsent);
    this.#unsent = null;
    this.#socket = null;
    this.#greeted = false;
    return socket;
  }

  #call(name, ...facts) {
    this.handlers[name]?.(...facts);
  }
}
