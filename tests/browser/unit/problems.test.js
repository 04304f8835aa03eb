import assert from "node:assert/strict";
import { test } from "node:test";
import { cameraProblem } from "../../../src/web/problems/source.js";
import { connectionProblem } from "../../../src/web/problems/connection.js";
import { describeProblem, withDemoPlaying } from "../../../src/web/problems/words.js";

const error = (name, message = "") => Object.assign(new Error(message), { name });

test("what browsers throw for a camera, by name", () => {
  assert.equal(cameraProblem(error("NotAllowedError")).code, "camera_denied");
  assert.equal(cameraProblem(error("NotReadableError")).code, "camera_in_use");
  assert.equal(cameraProblem(error("NotFoundError")).code, "camera_absent");
  const other = cameraProblem(error("OverconstrainedError"));
  assert.equal(other.code, "camera_failed");
  assert.match(describeProblem(other.code, other.facts).advice, /OverconstrainedError/);
});

test("how a connection ended, with what /readyz says now", () => {
  const codeOf = (code, wasOpen, ready) => connectionProblem({ code, reason: "" }, wasOpen, ready).code;
  assert.equal(codeOf(1006, true, 0), "server_gone");
  assert.equal(codeOf(1006, false, 0), "server_gone");
  assert.equal(codeOf(1006, false, 200), "connection_refused");
  // Under a foreign name the server does not answer /readyz either.
  assert.equal(codeOf(1006, false, 403), "connection_refused");
  assert.equal(codeOf(1011, true, 200), "session_ended");
  assert.equal(codeOf(1006, false, 503), "server_starting");
  assert.equal(codeOf(1012, true, 503), "draining");
  assert.equal(codeOf(4000, true, 200), "server_silent");
});

const FACTS = { detail: "something", name: "clip.avi", origin: "http://box", backend: "simd", device: "CPU", pipeline: "nope", known: ["codes"], code: 1011, reason: "", size: 6e6, limit: 5e6, index: 7 };
const CODES = [
  "camera_denied", "camera_in_use", "camera_absent", "camera_lost", "camera_failed", "insecure_origin",
  "video_unplayable", "image_unreadable", "server_gone", "server_silent", "server_starting",
  "connection_refused", "draining", "backend_changed", "invalid_pipeline", "invalid_frame", "frame_too_large",
  "decode_failed", "pipeline_failure", "session_ended", "version_mismatch", "message_unknown",
  "answer_unmatched",
];

test("each problem says what happened, what to do, and has a Retry", () => {
  for (const code of CODES) {
    const problem = describeProblem(code, FACTS);
    assert.ok(problem.title.length > 5 && !problem.title.includes("reports"), code);
    assert.ok(problem.advice.length > 20, code);
    assert.doesNotMatch(problem.title + problem.advice, /undefined|null|NaN/, code);
    assert.match(problem.retryLabel, /^Retry/, code);
  }
});

test("a code of a later server is shown with the server's words", () => {
  const problem = describeProblem("quota_exceeded", { detail: "come back tomorrow" });
  assert.match(problem.title, /quota_exceeded/);
  assert.match(problem.advice, /come back tomorrow/);
});

test("an unknown pipeline lists the existing ones; a size gives both numbers", () => {
  assert.match(describeProblem("invalid_pipeline", { pipeline: "nope", known: ["codes", "faces"] }).advice, /codes, faces/);
  assert.match(describeProblem("frame_too_large", { size: 6_291_456, limit: 5_242_880 }).advice, /6\.0 MB.*5\.0 MB/);
});

test("the notice says when the demo plays in place of the camera", () => {
  assert.match(withDemoPlaying(describeProblem("camera_absent")).advice, /demo is playing/);
});
