import assert from "node:assert/strict";
import { test } from "node:test";
import { Pacer } from "../../../src/web/stream/pacer.js";
import { RateControl } from "../../../src/web/stream/rate.js";

test("without advice the rate is what the user wants", () => {
  const rate = new RateControl(15);
  assert.equal(rate.rate(0), 15);
  rate.want(30);
  assert.equal(rate.rate(0), 30);
  assert.equal(rate.state, "steady");
});

test("slow_down sets the recommended rate, but never more than wanted or close to zero", () => {
  const rate = new RateControl(15);
  rate.slowDown(7.5);
  assert.equal(rate.rate(0), 7.5);
  assert.equal(rate.state, "slowed");
  rate.slowDown(40);
  assert.equal(rate.rate(0), 15);
  rate.slowDown(0);
  assert.equal(rate.rate(0), 0.5);
});

test("after recovery it climbs quickly to the recommended rate and slowly beyond", () => {
  const rate = new RateControl(15);
  rate.slowDown(5);
  rate.recovered(8, 1000);
  assert.equal(rate.state, "climbing");
  assert.equal(rate.rate(1000), 5);
  assert.equal(rate.rate(3000), 7);
  assert.equal(rate.rate(4000), 8);
  assert.equal(rate.rate(8000), 9);
  assert.ok(rate.rate(14_000) < 8 * 1.5, "ten seconds later it has not overshot by much");
  assert.equal(rate.rate(60_000), 15);
  assert.equal(rate.state, "steady");
  assert.equal(rate.recommended, null);
});

test("a recovery without a number, or without a prior slow_down, is harmless", () => {
  const rate = new RateControl(15);
  rate.recovered(8, 0);
  assert.equal(rate.state, "steady");
  rate.slowDown(6);
  rate.recovered(undefined, 0);
  assert.equal(rate.rate(4000), 7);
});

test("slow_down while climbing lowers the rate again", () => {
  const rate = new RateControl(15);
  rate.slowDown(5);
  rate.recovered(8, 0);
  rate.slowDown(4);
  assert.equal(rate.rate(10_000), 4);
});

test("a locked rate ignores advice and still knows it", () => {
  const rate = new RateControl(15);
  rate.locked = true;
  rate.slowDown(5);
  assert.equal(rate.rate(0), 15);
  assert.equal(rate.recommended, 5);
  rate.locked = false;
  assert.equal(rate.rate(0), 5);
});

/** Frames taken in a given time by a loop whose timers fire late by `lateness`. */
function framesIn(ms, fps, lateness) {
  const pacer = new Pacer();
  const times = [];
  for (let now = 1000; now < 1000 + ms; ) {
    now += pacer.wait(now, fps) + lateness(times.length);
    pacer.taken(now, fps);
    times.push(now);
  }
  return times;
}

test("late timers do not lower the rate", () => {
  const times = framesIn(10_000, 15, (at) => (at % 3) * 4);
  assert.ok(Math.abs(times.length - 150) <= 2, `${times.length} frames`);
});

test("after a pause there is no burst", () => {
  const times = framesIn(3000, 10, (at) => (at === 10 ? 1000 : 0));
  const gaps = times.slice(1).map((time, at) => time - times[at]);
  assert.ok(Math.min(...gaps) >= 49, `shortest gap ${Math.min(...gaps)} ms`);
  assert.ok(times.length <= 23, `${times.length} frames`);
});
