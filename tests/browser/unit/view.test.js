import assert from "node:assert/strict";
import { test } from "node:test";
import { labelText } from "../../../src/web/view/boxes.js";
import { niceTop, strokesOf } from "../../../src/web/view/chart.js";
import { CodeLog, webAddress } from "../../../src/web/view/codes.js";
import { classColour, contrast, textOn } from "../../../src/web/view/colour.js";
import { fitInside, placeBox, placeLabel, shrinkTo } from "../../../src/web/view/geometry.js";
import { breakdown, count, milliseconds, percent, perSecond } from "../../../src/web/view/numbers.js";
import { maskRuns, placePoints } from "../../../src/web/view/shapes.js";
import { statusText } from "../../../src/web/view/status.js";
import { Trails } from "../../../src/web/view/trails.js";

test("a frame is shown whole and centred, and its boxes with it", () => {
  const wide = fitInside({ width: 640, height: 360 }, { width: 1280, height: 960 });
  assert.deepEqual(wide, { x: 0, y: 120, width: 1280, height: 720, scale: 2 });
  assert.deepEqual(placeBox({ x: 10, y: 20, w: 30, h: 40 }, wide), { x: 20, y: 160, w: 60, h: 80 });
  const tall = fitInside({ width: 480, height: 640 }, { width: 640, height: 320 });
  assert.deepEqual(tall, { x: 200, y: 0, width: 240, height: 320, scale: 0.5 });
});

test("a mask's runs go down the columns and are cut where one ends", () => {
  const runs = maskRuns({ size: [4, 3], counts: [2, 3, 5, 1, 1] });
  assert.deepEqual(runs, [
    { x: 0, y: 2, length: 2 },
    { x: 1, y: 0, length: 1 },
    { x: 2, y: 2, length: 1 },
  ]);
  assert.deepEqual(maskRuns({ size: [4, 3], counts: [12] }), []);
  const placement = { x: 10, y: 20, scale: 2 };
  assert.deepEqual(placePoints([[1, 2], [3, 4]], placement), [[12, 24], [16, 28]]);
});

test("labels stay on the image", () => {
  const label = { width: 80, height: 20 };
  const area = { width: 640, height: 480 };
  assert.deepEqual(placeLabel({ x: 100, y: 100 }, label, area), { x: 100, y: 80 });
  assert.deepEqual(placeLabel({ x: 100, y: 5 }, label, area), { x: 100, y: 5 });
  assert.deepEqual(placeLabel({ x: 620, y: 100 }, label, area), { x: 560, y: 80 });
  assert.deepEqual(placeLabel({ x: -5, y: 100 }, label, area), { x: 0, y: 80 });
});

test("images are shrunk in proportion, never enlarged", () => {
  assert.deepEqual(shrinkTo({ width: 1920, height: 1080 }, 640), { width: 640, height: 360 });
  assert.deepEqual(shrinkTo({ width: 300, height: 200 }, 640), { width: 300, height: 200 });
});

test("a class keeps its colour, neighbours differ, and text on it can be read", () => {
  assert.deepEqual(classColour(7), classColour(7));
  const colours = Array.from({ length: 80 }, (_, id) => classColour(id));
  assert.equal(new Set(colours.map(String)).size, 80);
  for (const colour of colours) {
    const ratio = contrast(colour, textOn(colour));
    assert.ok(ratio >= 4.5, `contrast ${ratio} on ${colour}`);
  }
});

test("contrast is the one of WCAG", () => {
  assert.equal(Math.round(contrast([0, 0, 0], [255, 255, 255])), 21);
  assert.equal(contrast([9, 9, 9], [9, 9, 9]), 1);
});

test("a chart's top is a round number, and its line breaks at gaps", () => {
  assert.deepEqual([0, 0.7, 1, 14, 21, 51].map(niceTop), [1, 1, 1, 20, 50, 100]);
  assert.deepEqual(strokesOf([null, 5, 10, null, 0], 10), [[[1, 50], [2, 0]], [[4, 100]]]);
});

test("numbers are formatted for people", () => {
  assert.equal(milliseconds(3.21), "3.2 ms");
  assert.equal(milliseconds(42.4), "42 ms");
  assert.equal(milliseconds(null), "–");
  assert.equal(perSecond(14.96), "15.0");
  assert.equal(percent(0.305), "31 %");
  assert.equal(percent(undefined), "–");
  assert.equal(count(12345), "12\u202f345");
  assert.equal(breakdown({ stale: 1, busy: 12 }), "busy 12, stale 1");
});

test("the pill counts down to the next attempt", () => {
  assert.equal(statusText("waiting", { retryAt: 4200, now: 1000, attempt: 2 }), "Reconnecting in 4 s · attempt 2");
  assert.equal(statusText("slowed", { rate: 7.5 }), "Live · slowed to 7.5 fps");
  assert.equal(statusText("live"), "Live");
});

test("a label says which object it is, where that is known", () => {
  assert.equal(labelText({ label: "cat", class_id: 1, score: 0.5 }), "cat 50 %");
  assert.equal(labelText({ label: "cat", class_id: 1, score: 0.5, track_id: 12 }), "cat #12 50 %");
  assert.equal(labelText({ class_id: 1, score: 0.5, track_id: 12 }), "class 1 #12 50 %");
});

test("a label begins with what a code says", () => {
  assert.equal(labelText({ label: "qr_code", class_id: 0, score: 0.5, text: "HI\u001d" }), "qr_code 50 % HI␝");
  const long = labelText({ label: "qr_code", class_id: 0, score: 0.5, text: "x".repeat(25) });
  assert.equal(long, `qr_code 50 % ${"x".repeat(24)}…`);
});

test("a code is noted once, and the oldest are forgotten", () => {
  const log = new CodeLog();
  const code = (text, format = "qr_code") => ({ text, format, label: format });
  assert.equal(log.note([{ label: "cat" }]), false);
  assert.equal(log.note([code("a"), code("b")]), true);
  assert.equal(log.note([code("a")]), false);
  assert.equal(log.note([code("a", "aztec")]), true);
  assert.deepEqual(log.entries.map(({ text, format }) => [text, format]), [["a", "aztec"], ["b", "qr_code"], ["a", "qr_code"]]);
  for (let index = 0; index < 100; index += 1) log.note([code(String(index))]);
  assert.equal(log.entries.length, 20);
  assert.equal(log.entries[0].text, "99");
});

test("only addresses of the web can be opened", () => {
  assert.equal(webAddress("https://example.com/a?b")?.host, "example.com");
  for (const text of ["javascript:alert(1)", "data:text/html,x", "tel:123", "https://", "see https://example.com", "A-1"]) {
    assert.equal(webAddress(text), null, text);
  }
});

test("a trail follows the foot of an object for a while, and is forgotten with it", () => {
  const trails = new Trails();
  const at = (x, track_id) => ({ x, y: 10, w: 20, h: 40, track_id });
  trails.add([at(0, 1), at(100, undefined)], 0);
  trails.add([at(10, 1), at(50, 2)], 1000);
  const ways = () => Object.fromEntries(trails.lines.map(([id, points]) => [id, points.map(({ x }) => x)]));
  assert.deepEqual(trails.lines[0][1][0], { x: 10, y: 50, at: 0 });
  assert.deepEqual(ways(), { 1: [10, 20], 2: [60] });
  trails.add([at(20, 1)], 2500);
  assert.deepEqual(ways(), { 1: [20, 30], 2: [60] });
  trails.add([], 3500);
  assert.deepEqual(ways(), { 1: [30] });
  trails.clear();
  assert.deepEqual(ways(), {});
});

test("trails are bounded, in points and in objects", () => {
  const trails = new Trails();
  for (let index = 0; index < 1000; index += 1) {
    trails.add([{ x: index, y: 0, w: 2, h: 2, track_id: 1 }, { x: 0, y: 0, w: 2, h: 2, track_id: index + 2 }], index);
  }
  assert.equal(trails.lines.length, 300);
  const [, points] = trails.lines.find(([id]) => id === 1);
  assert.equal(points.length, 120);
  assert.equal(points.at(-1).x, 1000);
});
