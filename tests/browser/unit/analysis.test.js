import assert from "node:assert/strict";
import { test } from "node:test";
import { coco, csv, jsonLines } from "../../../src/web/analysis/exports.js";
import { LineReader } from "../../../src/web/analysis/lines.js";
import { describeProgress } from "../../../src/web/analysis/progress.js";
import { clockText } from "../../../src/web/analysis/show-summary.js";
import { Summary } from "../../../src/web/analysis/summary.js";
import { Timeline } from "../../../src/web/analysis/timeline.js";

const detection = (label, class_id, x = 1) => ({ label, class_id, score: 0.5, x, y: 2, w: 3, h: 4 });
const result = (frame_index, ...detections) => ({ frame_index, time_ms: frame_index * 40, result: { width: 64, height: 48, detections } });

const MESSAGES = [
  { video: { width: 64, height: 48, frames: 4 } },
  result(0, detection("person", 0), detection("person", 0, 9)),
  { frame_index: 1, error: "decode_failed", detail: "cut off" },
  result(2, detection('a "cup", blue', 41)),
  { done: { frames: 3, results: 2, failed: 1, seconds: 0.1 } },
];

test("lines are put together from pieces cut anywhere", () => {
  const text = jsonLines(MESSAGES);
  for (let size = 1; size < 40; size += 1) {
    const reader = new LineReader();
    const read = [];
    for (let at = 0; at < text.length; at += size) read.push(...reader.push(text.slice(at, at + size)));
    assert.deepEqual(read, MESSAGES);
  }
});

test("a time belongs to the last frame that has begun", () => {
  const timeline = new Timeline();
  assert.equal(timeline.at(0), null);
  for (const index of [1, 2, 5]) timeline.add(result(index));
  const index = (timeMs) => timeline.at(timeMs)?.frame_index ?? null;
  assert.deepEqual([0, 38, 39.5, 40, 79.9, 100, 199.5, 9999].map(index), [null, null, 1, 1, 2, 2, 5, 5]);
  assert.equal(timeline.length, 3);
});

test("classes are summed up over frames", () => {
  const summary = new Summary();
  for (const message of MESSAGES.slice(1, 4)) summary.add(message);
  summary.add(result(3, detection("cup", 41)));
  assert.deepEqual(summary.classes, [
    { label: 'a "cup", blue', classId: 41, detections: 2, frames: 2, firstMs: 80 },
    { label: "person", classId: 0, detections: 2, frames: 1, firstMs: 0 },
  ]);
  assert.deepEqual([summary.frames, summary.failed], [3, 1]);
});

test("results are written for spreadsheets", () => {
  const rows = csv(MESSAGES).split("\r\n");
  assert.equal(rows.length, 5);
  assert.equal(rows[0], "frame_index,time_ms,label,class_id,score,x,y,w,h,text,format");
  assert.equal(rows[1], "0,0,person,0,0.5,1,2,3,4,,");
  assert.equal(rows[3], '2,80,"a ""cup"", blue",41,0.5,1,2,3,4,,');
});

test("results are written as COCO has them", () => {
  const mask = { size: [48, 64], counts: [0, 5, 3067] };
  const written = JSON.parse(coco([...MESSAGES, result(3, { ...detection("person", 0), mask })], "clip.mp4"));
  assert.deepEqual(written.images.map(({ id, file_name }) => [id, file_name]), [[0, "clip.mp4#0"], [2, "clip.mp4#2"], [3, "clip.mp4#3"]]);
  assert.deepEqual(written.categories.map(({ id }) => id), [0, 41]);
  const ids = written.annotations.map(({ id }) => id);
  assert.equal(new Set(ids).size, 4);
  const images = new Set(written.images.map(({ id }) => id));
  assert.ok(written.annotations.every(({ image_id }) => images.has(image_id)));
  assert.deepEqual(written.annotations[0].bbox, [1, 2, 3, 4]);
  assert.equal(written.annotations[0].area, 12);
  assert.deepEqual(written.annotations[3].segmentation, mask);
});

test("progress is put into words", () => {
  const described = (state) => describeProgress(state);
  assert.deepEqual(described({ state: "uploading", uploaded: 0.428 }), { text: "Uploading · 42 %", share: 0.428 });
  assert.deepEqual(described({ state: "waiting" }), { text: "Waiting for its turn", share: null });
  assert.deepEqual(described({ state: "running", done: 50, frames: 200, seconds: 5 }), {
    text: "50 of 200 frames · 10.0 frames per second · 15 s left",
    share: 0.25,
  });
  assert.deepEqual(described({ state: "running", done: 50 }), { text: "50 frames", share: null });
  assert.deepEqual(described({ state: "done", done: 7, frames: 9 }), { text: "Done · 7 frames", share: 1 });
  assert.equal(clockText(83_456), "1:23.4");
});
