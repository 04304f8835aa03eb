import assert from "node:assert/strict";
import { test } from "node:test";
import { readMessage } from "../../../src/web/stream/messages.js";

const detection = { label: "face", class_id: 0, score: 0.9, x: 1, y: 2, w: 3, h: 4 };
const result = { frame_index: 1, result: { width: 640, height: 480, detections: [detection] }, timings_ms: { decode: 1 }, age_ms: 9 };
const kindOf = (message) => readMessage(JSON.stringify(message)).kind;

test("every message of the protocol is recognised by its shape", () => {
  assert.equal(kindOf({ session: { session_id: "a" } }), "greeting");
  assert.equal(kindOf(result), "result");
  assert.equal(kindOf({ frame_index: 2, dropped: true, reason: "busy" }), "drop");
  assert.equal(kindOf({ warning: "slow_down", recommended_fps: 7.5, drop_rate: 0.42 }), "slow_down");
  assert.equal(kindOf({ notice: "recovered", recommended_fps: 9 }), "recovered");
  assert.equal(kindOf({ notice: "draining", deadline_ms: 5000 }), "draining");
  assert.equal(kindOf({ error: "invalid_frame", detail: "…" }), "error");
  assert.equal(kindOf({ error: "decode_failed", detail: "…", frame_index: 3 }), "error");
});

test("unknown keys are ignored", () => {
  assert.equal(kindOf({ ...result, later: true, result: { ...result.result, masks: [] } }), "result");
});

test("a message of unknown shape is unknown, not an exception", () => {
  for (const text of ["", "{", "null", "[]", "7", '"hello"']) assert.equal(readMessage(text).kind, "unknown", text);
  assert.equal(kindOf({ hello: 1 }), "unknown");
  assert.equal(kindOf({ ...result, frame_index: 0 }), "unknown");
  assert.equal(kindOf({ ...result, result: { width: 640, height: 480 } }), "unknown");
  assert.equal(kindOf({ ...result, result: { ...result.result, detections: [{ ...detection, x: "1" }] } }), "unknown");
  assert.equal(kindOf({ warning: "slow_down" }), "unknown");
});
