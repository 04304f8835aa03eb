// A streaming session as seen from the page: frames go in, answers come out with the frame they
// belong to. Follows the server's advice and counts everything.

import { closeImage, FrameLedger } from "./frames.js";
import { refusalOf } from "./jpeg.js";
import { LinkWatch } from "./link.js";
import { StreamSocket } from "./socket.js";

/**
 * `handlers`, all required:
 *   state(name, facts)       as in `StreamSocket`
 *   greeting(session)        the server's description of itself
 *   answer(frame, message)   a result with its frame; the receiver closes the frame's image
 *   advice(kind)             `slow_down`, `recovered` or `draining`
 *   problem(code, facts)     something to show the user
 *   message(kind, text)      every message, for the log
 */
export class StreamSession {
  #ledger = new FrameLedger();
  #link = new LinkWatch();
  #maxFrameBytes = Infinity;
  #socket;

  constructor({ url, rate, measurements, handlers, clock = () => performance.now(), WebSocketClass }) {
    Object.assign(this, { rate, measurements, handlers, clock });
    this.#socket = new StreamSocket({
      url,
      WebSocketClass,
      mayCarry: () => this.#link.mayCarry(this.#ledger.inFlight),
      handlers: {
        message: handlers.message,
        state: (name, facts) => this.#stateChanged(name, facts),
        mismatch: () => this.#mismatch(),
        sent: (frame) => this.#sent(frame),
        replaced: (frame) => this.#keptBack(frame),
        greeting: (message) => this.#greeted(message.session),
        result: (message) => this.#result(message),
        drop: (message) => this.#drop(message),
        slow_down: (message) => this.#slowDown(message),
        recovered: (message) => this.#recovered(message),
        draining: () => handlers.advice("draining"),
        backend_changed: ({ backend, device }) => handlers.problem("backend_changed", { backend, device }),
        error: (message) => this.#error(message),
        unknown: () => handlers.problem("message_unknown", {}),
      },
    });
  }

  get inFlight() {
    return this.#ledger.inFlight;
  }

  /** @param options further parameters of the session, such as `track` */
  open(pipelineId, options = {}) {
    this.#forgetFrames();
    this.#socket.open(pipelineId === null ? options : { ...options, pipeline_id: pipelineId });
  }

  close() {
    this.#socket.close();
    this.#forgetFrames();
    this.handlers.state("stopped", {});
  }

  /** Changes options for the frames that follow. */
  configure(changes) {
    this.#socket.configure(changes);
  }

  /** @param frame `bytes`, `image` and `capturedAt`; the session adds more to it. */
  offer(frame) {
    frame.size = frame.bytes.byteLength;
    frame.refusal = refusalOf(new Uint8Array(frame.bytes), this.#maxFrameBytes);
    if (frame.refusal !== "frame_too_large") return this.#socket.offer(frame);
    this.#keptBack(frame);
    this.handlers.problem("frame_too_large", { size: frame.size, limit: this.#maxFrameBytes });
  }

  #stateChanged(name, facts) {
    if (name === "waiting" || name === "closed") this.#forgetFrames();
    this.handlers.state(name, facts);
  }

  #greeted(session) {
    this.#maxFrameBytes = Number.isFinite(session.max_frame_bytes) ? session.max_frame_bytes : Infinity;
    this.handlers.greeting(session);
  }

  #mismatch() {
    this.#forgetFrames();
    this.handlers.state("closed", {});
    this.handlers.problem("version_mismatch", {});
  }

  #sent(frame) {
    frame.sentAt = this.clock();
    frame.bytes = null;
    this.#ledger.sent(frame);
    this.measurements.sent(frame.sentAt);
  }

  #keptBack(frame) {
    closeImage(frame);
    this.measurements.tally.keptBack += 1;
  }

  #result(message) {
    const now = this.clock();
    const frame = this.#ledger.answered(message.frame_index);
    if (!frame) return this.handlers.problem("answer_unmatched", { index: message.frame_index });
    frame.receivedAt = now;
    const roundTripMs = now - frame.sentAt;
    const ageMs = Number.isFinite(message.age_ms) ? message.age_ms : null;
    if (ageMs !== null) this.#link.answered(roundTripMs - ageMs, this.#ledger.inFlight);
    this.measurements.result({ roundTripMs, ageMs, timings: message.timings_ms }, now);
    this.handlers.answer(frame, message);
  }

  #drop(message) {
    const now = this.clock();
    const frame = this.#ledger.answered(message.frame_index);
    const { reason } = message;
    // Pacing is decided on arrival; for the other reasons the frame has waited for an unknown time.
    if (frame && reason === "pacing") this.#link.answered(now - frame.sentAt, this.#ledger.inFlight);
    closeImage(frame);
    this.measurements.tally.drop(String(reason), now);
  }

  #slowDown(message) {
    this.rate.slowDown(message.recommended_fps);
    this.handlers.advice("slow_down");
  }

  #recovered(message) {
    this.rate.recovered(message.recommended_fps, this.clock());
    this.handlers.advice("recovered");
  }

  #error({ error: code, detail, frame_index: index }) {
    const counted = Number.isInteger(index);
    const isAboutFrame = counted || code === "invalid_frame" || code === "frame_too_large";
    if (isAboutFrame) {
      const frame = counted ? this.#ledger.answered(index) : this.#ledger.refused(code, detail);
      closeImage(frame);
    }
    if (counted) this.measurements.tally.fail(code, this.clock());
    else if (isAboutFrame) this.measurements.tally.refuse(code);
    this.handlers.problem(code, { detail: String(detail ?? "") });
  }

  #forgetFrames() {
    this.measurements.connectionEnded(this.#ledger.clear());
    this.#link.reset();
    this.rate.reset();
  }
}
