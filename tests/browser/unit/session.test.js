import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Measurements } from "../../../src/web/measure/measurements.js";
import { RateControl } from "../../../src/web/stream/rate.js";
import { StreamSession } from "../../../src/web/stream/session.js";

class FakeWebSocket {
  readyState = 1;
  bufferedAmount = 0;
  constructor(url) {
    this.url = url;
    FakeWebSocket.latest = this;
  }
  send() {}
  close() {}
  says(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
}

const JPEG = Uint8Array.from([0xff, 0xd8, 0xff, 0xd9]).buffer;
const original = globalThis.WebSocket;
let heard;
let session;
let measurements;
let rate;
let now;

beforeEach(() => {
  globalThis.WebSocket = FakeWebSocket;
  heard = [];
  now = 0;
  measurements = new Measurements();
  rate = new RateControl(15);
  const note = (name) => (...facts) => heard.push([name, ...facts]);
  const names = ["state", "greeting", "answer", "advice", "problem", "message"];
  const handlers = Object.fromEntries(names.map((name) => [name, note(name)]));
  session = new StreamSession({ url: "ws://host/", rate, measurements, handlers, clock: () => now });
  session.open("codes");
  says({ session: { session_id: "a", max_frame_bytes: 1000 } });
});

afterEach(() => {
  session.close();
  globalThis.WebSocket = original;
});

const says = (message) => FakeWebSocket.latest.says(message);
const heardOf = (name) => heard.filter(([each]) => each === name).map(([, ...facts]) => facts);
const resultOf = (index) => ({ frame_index: index, result: { width: 4, height: 4, detections: [] }, timings_ms: {}, age_ms: 5 });

function offer(bytes = JPEG) {
  const frame = { bytes, capturedAt: now, image: { width: 4, height: 4, isClosed: false, close() { this.isClosed = true; } } };
  const { image } = frame;
  session.offer(frame);
  return { frame, image };
}

test("a result comes with its own frame and open image; a dropped frame's image is closed", () => {
  const [one, two] = [offer(), offer()];
  now = 20;
  says({ frame_index: 1, dropped: true, reason: "busy" });
  says(resultOf(2));
  assert.ok(one.image.isClosed);
  const [[answered]] = heardOf("answer");
  assert.equal(answered, two.frame);
  assert.ok(!two.image.isClosed);
  assert.equal(answered.receivedAt, 20);
  assert.deepEqual(measurements.tally.dropped, { busy: 1 });
  assert.equal(session.inFlight, 0);
});

test("numbers stay right after a refused frame", () => {
  const frames = [offer(), offer(Uint8Array.from([1, 2, 3]).buffer), offer()];
  says({ error: "invalid_frame", detail: "Frame is not a valid JPEG (missing SOI marker)" });
  says(resultOf(1));
  says(resultOf(2));
  assert.deepEqual(heardOf("answer").map(([frame]) => frame), [frames[0].frame, frames[2].frame]);
  assert.deepEqual(measurements.tally.refused, { invalid_frame: 1 });
  assert.equal(heardOf("problem")[0][0], "invalid_frame");
});

test("a frame that failed was counted", () => {
  const frames = [offer(), offer()];
  says({ error: "decode_failed", detail: "broken", frame_index: 1 });
  says(resultOf(2));
  assert.ok(frames[0].image.isClosed);
  assert.equal(heardOf("answer")[0][0], frames[1].frame);
  assert.deepEqual(measurements.tally.failed, { decode_failed: 1 });
});

test("a frame over the limit is not sent", () => {
  const { image } = offer(new ArrayBuffer(1001));
  assert.ok(image.isClosed);
  assert.equal(measurements.tally.totals.sent, 0);
  assert.deepEqual(heardOf("problem"), [["frame_too_large", { size: 1001, limit: 1000 }]]);
});

test("advice changes the rate, and a new session forgets it", () => {
  says({ warning: "slow_down", recommended_fps: 4, drop_rate: 0.5 });
  assert.equal(rate.rate(now), 4);
  says({ notice: "recovered", recommended_fps: 9 });
  assert.equal(rate.state, "climbing");
  assert.deepEqual(heardOf("advice"), [["slow_down"], ["recovered"]]);
  session.open("codes");
  assert.equal(rate.rate(now), 15);
});

test("frames of a lost connection are counted as lost and their images closed", () => {
  const { image } = offer();
  FakeWebSocket.latest.onclose({ code: 1008, reason: "" });
  assert.ok(image.isClosed);
  assert.equal(measurements.tally.lost, 1);
  assert.equal(session.inFlight, 0);
});

test("an answer that matches no frame is reported, not shown", () => {
  says(resultOf(5));
  assert.equal(heardOf("answer").length, 0);
  assert.equal(heardOf("problem")[0][0], "answer_unmatched");
});

test("a session is opened with its pipeline and options", () => {
  session.open("codes", { track: "1" });
  const query = Object.fromEntries(new URL(FakeWebSocket.latest.url).searchParams);
  assert.deepEqual(query, { pipeline_id: "codes", track: "1", hello: "1" });
});
