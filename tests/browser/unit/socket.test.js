import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Backoff } from "../../../src/web/stream/backoff.js";
import { StreamSocket } from "../../../src/web/stream/socket.js";

/** A WebSocket whose other end is the test. */
class FakeWebSocket {
  static made = [];
  readyState = 0;
  bufferedAmount = 0;
  sent = [];
  closedWith = null;

  constructor(url) {
    this.url = new URL(url);
    FakeWebSocket.made.push(this);
  }

  send(bytes) {
    this.sent.push(bytes);
  }

  close(code) {
    this.closedWith = code;
  }

  says(message) {
    this.readyState = 1;
    this.onmessage({ data: JSON.stringify(message) });
  }

  fails() {
    this.onerror({ type: "error" });
  }

  breaks(code, reason = "") {
    this.onclose({ code, reason });
  }
}

const GREETING = { session: { session_id: "a" } };
const latest = () => FakeWebSocket.made.at(-1);
let heard;

function open(options = {}) {
  const note = (name) => (...facts) => heard.push([name, ...facts]);
  const names = ["state", "mismatch", "sent", "replaced", "greeting", "result", "drop", "slow_down", "recovered", "draining", "backend_changed", "error", "unknown"];
  const socket = new StreamSocket({
    url: "ws://host/ws/video/stream",
    handlers: Object.fromEntries(names.map((name) => [name, note(name)])),
    backoff: new Backoff({ random: () => 0.5 }),
    WebSocketClass: FakeWebSocket,
    ...options,
  });
  socket.open({ pipeline_id: "faces" });
  return socket;
}

const heardOf = (name) => heard.filter(([each]) => each === name).map(([, ...facts]) => facts);

beforeEach(() => {
  heard = [];
  FakeWebSocket.made = [];
  mock.timers.enable({ apis: ["setTimeout"] });
});

afterEach(() => mock.timers.reset());

test("it asks for the greeting and the pipeline, and is open once greeted", () => {
  open();
  assert.equal(latest().url.searchParams.get("hello"), "1");
  assert.equal(latest().url.searchParams.get("pipeline_id"), "faces");
  assert.equal(latest().binaryType, "arraybuffer");
  latest().says(GREETING);
  assert.deepEqual(heardOf("state").map(([name]) => name), ["connecting", "open"]);
  assert.deepEqual(heardOf("greeting"), [[GREETING]]);
});

test("each kind of message goes to its handler", () => {
  open();
  latest().says(GREETING);
  latest().says({ frame_index: 1, dropped: true, reason: "busy" });
  latest().says({ warning: "slow_down", recommended_fps: 5, drop_rate: 0.5 });
  latest().says({ notice: "recovered", recommended_fps: 5 });
  latest().says({ notice: "draining", deadline_ms: 1 });
  latest().says({ notice: "backend_changed", backend: "simd", device: "CPU", recommended_fps: 5 });
  latest().says({ surprise: true });
  for (const kind of ["drop", "slow_down", "recovered", "draining", "backend_changed", "unknown"]) assert.equal(heardOf(kind).length, 1, kind);
});

test("frames are sent unchanged, and none before the greeting", () => {
  const socket = open();
  socket.offer({ bytes: "early" });
  latest().says(GREETING);
  socket.offer({ bytes: "first" });
  assert.deepEqual(latest().sent, ["first"]);
  assert.deepEqual(heardOf("replaced"), [[{ bytes: "early" }]]);
});

test("while a frame is in the browser's buffer, only the newest waits", () => {
  const socket = open();
  latest().says(GREETING);
  latest().bufferedAmount = 5000;
  for (const bytes of ["one", "two", "three"]) socket.offer({ bytes });
  mock.timers.tick(50);
  assert.deepEqual(latest().sent, []);
  latest().bufferedAmount = 0;
  mock.timers.tick(50);
  assert.deepEqual(latest().sent, ["three"]);
  assert.deepEqual(heardOf("replaced").map(([frame]) => frame.bytes), ["one", "two"]);
});

test("a frame is held back while the link may not carry it", () => {
  let mayCarry = false;
  const socket = open({ mayCarry: () => mayCarry });
  latest().says(GREETING);
  socket.offer({ bytes: "one" });
  assert.deepEqual(latest().sent, []);
  mayCarry = true;
  mock.timers.tick(10);
  assert.deepEqual(latest().sent, ["one"]);
});

test("after an abnormal close it reconnects after 1 s, 2 s, 4 s, with the same pipeline", () => {
  open();
  for (const delay of [1000, 2000, 4000]) {
    latest().breaks(1006);
    assert.equal(heardOf("state").at(-1)[1].delayMs, delay);
    const before = FakeWebSocket.made.length;
    mock.timers.tick(delay - 1);
    assert.equal(FakeWebSocket.made.length, before);
    mock.timers.tick(1);
    assert.equal(FakeWebSocket.made.length, before + 1);
  }
  assert.equal(latest().url.searchParams.get("pipeline_id"), "faces");
});

test("an error is one failure, whether a close follows or not", () => {
  for (const isClosed of [false, true]) {
    heard = [];
    const socket = open();
    for (const delay of [1000, 2000, 4000]) {
      const { length } = FakeWebSocket.made;
      const failed = latest();
      failed.fails();
      if (isClosed) failed.breaks(1006);
      assert.equal(heardOf("state").at(-1)[1].delayMs, delay);
      mock.timers.tick(delay);
      assert.equal(FakeWebSocket.made.length, length + 1);
    }
    socket.close();
    latest().fails();
    assert.equal(heardOf("state").at(-1)[0], "connecting");
  }
});

test("an answered frame shows that the server is well: the waits are reset", () => {
  open();
  latest().breaks(1006);
  mock.timers.tick(1000);
  latest().says(GREETING);
  latest().says({ frame_index: 1, dropped: true, reason: "busy" });
  latest().breaks(1012);
  assert.equal(heardOf("state").at(-1)[1].delayMs, 1000);
});

test("after a clean close, or one that refuses this client, it stays closed", () => {
  for (const code of [1000, 1003, 1008, 1009]) {
    open();
    latest().breaks(code, "bye");
    assert.deepEqual(heardOf("state").at(-1), ["closed", { code, reason: "bye" }]);
    const before = FakeWebSocket.made.length;
    mock.timers.tick(60_000);
    assert.equal(FakeWebSocket.made.length, before);
  }
});

test("its own close is clean and ends everything, including a pending reconnection", () => {
  const socket = open();
  const first = latest();
  first.breaks(1006);
  socket.close();
  mock.timers.tick(60_000);
  assert.equal(FakeWebSocket.made.length, 1);
  socket.open();
  socket.close();
  assert.equal(latest().closedWith, 1000);
});

test("events of an abandoned connection are ignored", () => {
  const socket = open();
  const old = latest();
  old.says(GREETING);
  socket.open({ pipeline_id: "objects" });
  const before = heard.length;
  old.says({ frame_index: 1, dropped: true, reason: "busy" });
  old.breaks(1006);
  assert.equal(heard.length, before);
});

test("a server that does not greet is of another version", () => {
  open();
  latest().says({ frame_index: 1, dropped: true, reason: "busy" });
  assert.equal(heardOf("mismatch").length, 1);
  assert.equal(latest().closedWith, 1000);
  mock.timers.tick(60_000);
  assert.equal(FakeWebSocket.made.length, 1);
});

test("an error may come before the greeting", () => {
  open();
  latest().says({ error: "invalid_pipeline", detail: "Unknown pipeline_id: faces" });
  assert.equal(heardOf("error").length, 1);
  assert.equal(heardOf("mismatch").length, 0);
});

test("a connection that stays silent is replaced", () => {
  const socket = open({ silenceMs: 5000 });
  const silent = latest();
  silent.says(GREETING);
  socket.offer({ bytes: "one" });
  mock.timers.tick(4999);
  assert.equal(silent.closedWith, null);
  mock.timers.tick(1);
  assert.equal(silent.closedWith, 4000);
  mock.timers.tick(1000);
  assert.equal(FakeWebSocket.made.length, 2);
});
