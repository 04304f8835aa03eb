import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageLog } from "../../../src/web/measure/log.js";
import { Measurements } from "../../../src/web/measure/measurements.js";
import { report } from "../../../src/web/measure/report.js";
import { Series } from "../../../src/web/measure/series.js";
import { Tally } from "../../../src/web/measure/tally.js";
import { meanOfEach, SERVER_PARTS, splitGlassToGlass, splitServerTime } from "../../../src/web/measure/timing.js";
import { median, quantile, RollingWindow } from "../../../src/web/measure/window.js";
import { RateControl } from "../../../src/web/stream/rate.js";

test("a window forgets what is older than its span", () => {
  const recent = new RollingWindow(1000);
  recent.add("old", 0);
  recent.add("new", 900);
  assert.deepEqual(recent.values(999), ["old", "new"]);
  assert.deepEqual(recent.values(1000), ["new"]);
  assert.deepEqual(recent.values(5000), []);
});

test("its rate is right from the second entry on, and falls when entries stop", () => {
  const recent = new RollingWindow(3000);
  for (let now = 0; now <= 1000; now += 100) recent.add(null, now);
  assert.equal(Math.round(recent.perSecond(1000)), 10);
  assert.equal(Math.round(recent.perSecond(2000)), 5);
  assert.equal(recent.perSecond(9000), 0);
});

test("quantiles are interpolated; without values they are null", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([1, 2]), 1.5);
  assert.equal(quantile([0, 10], 0.95), 9.5);
  assert.equal(median([]), null);
});

test("a series has one number per second for the last minute, and gaps", () => {
  const series = new Series({ seconds: 5, summarise: (values) => values.length });
  for (const now of [1000, 1500, 3000]) series.add(null, now);
  assert.deepEqual(series.points(5000), [null, 2, null, 1, null]);
  for (let now = 0; now < 3_600_000; now += 500) series.add(null, now);
  assert.deepEqual(series.points(3_600_000), [2, 2, 2, 2, 2]);
});

test("every frame is in exactly one count", () => {
  const tally = new Tally();
  tally.sent = 7;
  tally.result(0);
  tally.drop("busy", 0);
  tally.drop("busy", 0);
  tally.drop("stale", 0);
  tally.fail("decode_failed", 0);
  tally.refuse("invalid_frame");
  tally.connectionEnded(1);
  const { sent, ...rest } = tally.totals;
  assert.equal(Object.values(rest).reduce((sum, count) => sum + count), sent);
  assert.deepEqual(tally.dropped, { busy: 2, stale: 1 });
});

test("the drop rate needs ten answers and looks three seconds back", () => {
  const tally = new Tally();
  for (let at = 0; at < 9; at += 1) tally.drop("pacing", at);
  assert.equal(tally.dropRate(10), null);
  tally.result(10);
  assert.equal(tally.dropRate(10), 0.9);
  for (let at = 0; at < 10; at += 1) tally.result(4000);
  assert.equal(tally.dropRate(4000), 0);
});

test("glass to glass is browser, network and server, and nothing else", () => {
  const moments = { capturedAt: 0, sentAt: 10, receivedAt: 60, paintedAt: 68 };
  assert.deepEqual(splitGlassToGlass(moments, 30), { browser: 18, network: 20, server: 30, total: 68 });
  // Two clocks of different speed must not give a negative time.
  assert.deepEqual(splitGlassToGlass(moments, 51), { browser: 18, network: 0, server: 50, total: 68 });
});

test("what the server's stages do not explain is waiting", () => {
  const parts = splitServerTime({ decode: 2, inference: 10, total: 12 }, 20);
  assert.deepEqual(parts, { waiting: 8, decode: 2, resize: 0, normalise: 0, inference: 10, postprocess: 0 });
  assert.equal(splitServerTime(undefined, 5).waiting, 5);
});

test("a stage of a later server is shown after the others, and is not waiting", () => {
  const parts = splitServerTime({ decode: 2, track: 3, read: "?", total: 5 }, 20);
  assert.equal(parts.track, 3);
  assert.equal(parts.waiting, 15);
  assert.deepEqual(Object.keys(parts), [...SERVER_PARTS, "track"]);
});

test("means key by key", () => {
  assert.deepEqual(meanOfEach([{ a: 1, b: 2 }, { a: 3, b: 2 }]), { a: 2, b: 2 });
  assert.deepEqual(meanOfEach([{ a: 1 }, { a: 3, b: 2 }]), { a: 2, b: 1 });
  assert.deepEqual(meanOfEach([]), {});
});

test("the log is bounded", () => {
  const log = new MessageLog();
  for (let at = 0; at < 500; at += 1) log.add("result", String(at));
  assert.equal(log.entries.length, 100);
  assert.equal(log.entries.at(-1).text, "499");
});

test("the report holds what was measured and survives JSON", () => {
  const measurements = new Measurements();
  measurements.sent(0);
  measurements.result({ roundTripMs: 40, ageMs: 30, timings: { decode: 5, inference: 20 } }, 40);
  measurements.painted({ capturedAt: -5, sentAt: 0, receivedAt: 40, paintedAt: 45 }, 30);
  const facts = { measurements, rate: new RateControl(15), inFlight: 0, info: { backend: "flex" }, session: null, status: "live", source: { kind: "demo" }, encoder: "worker", log: new MessageLog(), now: 50 };
  const copied = JSON.parse(JSON.stringify(report(facts)));
  assert.equal(copied.frames.sent, 1);
  assert.equal(copied.frames.results, 1);
  assert.equal(copied.recent.age_ms.median, 30);
  assert.equal(copied.recent.server_ms.waiting, 5);
  assert.deepEqual(copied.recent.glass_to_glass_ms, { browser: 10, network: 10, server: 30, total: 50 });
  assert.equal(copied.rate.wanted_fps, 15);
  assert.equal(copied.server.backend, "flex");
});
