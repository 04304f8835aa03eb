import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameLedger } from "../../../src/web/stream/frames.js";
import { refusalOf } from "../../../src/web/stream/jpeg.js";

const frame = (name, facts = {}) => ({ name, size: 100, refusal: null, ...facts });
const image = (width = 640, height = 480) => ({ width, height, isClosed: false, close() { this.isClosed = true; } });

function ledgerOf(...frames) {
  const ledger = new FrameLedger();
  for (const each of frames) ledger.sent(each);
  return ledger;
}

test("answers find their frames in any order, and once", () => {
  const ledger = ledgerOf(frame("a"), frame("b"), frame("c"));
  assert.equal(ledger.answered(2).name, "b");
  assert.equal(ledger.answered(1).name, "a");
  assert.equal(ledger.answered(1), undefined);
  assert.equal(ledger.answered(9), undefined);
  assert.equal(ledger.inFlight, 1);
});

test("a refused frame was not counted: later frames move up", () => {
  const ledger = ledgerOf(frame("a"), frame("bad", { refusal: "invalid_frame" }), frame("c"));
  assert.equal(ledger.refused("invalid_frame", "Frame is empty (no data provided)").name, "bad");
  assert.equal(ledger.answered(1).name, "a");
  assert.equal(ledger.answered(2).name, "c");
  ledger.sent(frame("d"));
  assert.equal(ledger.answered(3).name, "d");
});

test("a frame that is too large is recognised by its size", () => {
  const ledger = ledgerOf(frame("a"), frame("b"), frame("huge", { size: 5_242_881 }));
  assert.equal(ledger.refused("frame_too_large", "Frame size (5242881 bytes) exceeds limit (5242880 bytes)").name, "huge");
});

test("an error about a frame damaged in transit is matched to the first candidate", () => {
  const ledger = ledgerOf(frame("a"), frame("b"), frame("c"), frame("d"));
  ledger.answered(2);
  // Frame 1 has no answer yet, but 2 has been counted, and so has 1 before it.
  assert.equal(ledger.refused("invalid_frame", "missing EOI marker").name, "c");
  assert.equal(ledger.answered(3).name, "d");
  assert.equal(ledger.answered(1).name, "a");
});

test("a refusal with nothing in flight changes nothing", () => {
  const ledger = new FrameLedger();
  assert.equal(ledger.refused("invalid_frame"), undefined);
  ledger.sent(frame("a"));
  assert.equal(ledger.answered(1).name, "a");
});

test("images are kept within bounds, the oldest closed first; their frames stay known", () => {
  const [old, ...rest] = Array.from({ length: 4 }, () => frame("big", { image: image(1920, 1080) }));
  const oldImage = old.image;
  const ledger = ledgerOf(old, ...rest);
  assert.ok(oldImage.isClosed);
  assert.equal(old.image, null);
  assert.ok(rest.every((each) => !each.image.isClosed));
  assert.equal(ledger.answered(1), old);
});

test("clearing closes the images, says how many were lost and counts from one again", () => {
  const shown = image();
  const ledger = ledgerOf(frame("a", { image: shown }), frame("b"));
  assert.equal(ledger.clear(), 2);
  assert.ok(shown.isClosed);
  ledger.sent(frame("c"));
  assert.equal(ledger.answered(1).name, "c");
});

test("the server's checks of a frame, in its order", () => {
  const bytes = (...values) => Uint8Array.from(values);
  assert.equal(refusalOf(bytes()), "invalid_frame");
  assert.equal(refusalOf(bytes(1, 2, 3), 2), "frame_too_large");
  assert.equal(refusalOf(bytes(1, 0xd8, 0xff, 0xd9)), "invalid_frame");
  assert.equal(refusalOf(bytes(0xff, 0xd8, 0xff, 0)), "invalid_frame");
  assert.equal(refusalOf(bytes(0xff, 0xd8, 0xff, 0xd9), 4), null);
  // As on the server, anything may follow the end, and it may stand anywhere.
  assert.equal(refusalOf(bytes(0xff, 0xd8, 7, 0xff, 0xd9, 0, 0, 0)), null);
  assert.equal(refusalOf(bytes(0xff, 0xd8, 7, 0xff, 0xd9, 0xd9, 0xd9, 10)), null);
  assert.equal(refusalOf(bytes(0xff, 0xd8, 0xd9, 0xd9, 0xd9)), "invalid_frame");
  assert.equal(refusalOf(bytes(0xff, 0xd8)), "invalid_frame");
  assert.equal(refusalOf(bytes(0xd9)), "invalid_frame");
});
