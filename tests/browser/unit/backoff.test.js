import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff, shouldReconnect } from "../../../src/web/stream/backoff.js";

test("waits double from one second up to thirty", () => {
  const backoff = new Backoff({ random: () => 0.5 });
  const waits = Array.from({ length: 7 }, () => backoff.next());
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("jitter shifts a wait by at most a fifth and never past the longest", () => {
  assert.equal(new Backoff({ random: () => 0 }).next(), 800);
  assert.equal(new Backoff({ random: () => 1 }).next(), 1200);
  const late = new Backoff({ random: () => 1 });
  for (let attempt = 0; attempt < 10; attempt += 1) late.next();
  assert.equal(late.next(), 30_000);
});

test("a success resets the waits", () => {
  const backoff = new Backoff({ random: () => 0.5 });
  backoff.next();
  backoff.next();
  assert.equal(backoff.attempt, 2);
  backoff.succeeded();
  assert.equal(backoff.next(), 1000);
});

test("reconnects only after closes that it may mend", () => {
  for (const abnormal of [1001, 1006, 1011, 1012, 1013, 4000]) assert.ok(shouldReconnect(abnormal), String(abnormal));
  for (const final of [1000, 1003, 1005, 1008, 1009]) assert.ok(!shouldReconnect(final), String(final));
});
