// The package as `npm pack` makes it, unpacked elsewhere, against a server that a script controls.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { packed } from "./packed.js";
import { startServer } from "./server.js";

const { connect, StreamError } = packed;
const jpeg = (number) => Uint8Array.from([0xff, 0xd8, number, 0xff, 0xd9]);
const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

let server;
let connection;

beforeEach(async () => {
  server = await startServer();
});

afterEach(() => {
  connection?.close();
  server.close();
});

async function opened(options) {
  connection = connect(server.url, { fps: 1000, ...options });
  const session = await server.session();
  await until(() => connection.session !== null);
  return session;
}

test("results come with their frames", async () => {
  const session = await opened({ classes: { cat: 0.6, 3: null }, maxDet: 5, conf: 0.5, text: false, track: true });
  const { pathname, searchParams } = new URL(session.url, server.url);
  assert.equal(pathname, "/ws/video/stream");
  assert.deepEqual(Object.fromEntries(searchParams), {
    classes: "3,cat:0.6",
    max_det: "5",
    conf: "0.5",
    text: "0",
    track: "1",
    hello: "1",
  });
  const first = jpeg(1);
  connection.send(first);
  const { opcode, payload } = await session.receive();
  assert.deepEqual([opcode, [...payload]], [2, [...first]]);
  session.answer(1, "cat");
  const result = await connection.receive();
  assert.equal(result.frame, first);
  assert.deepEqual([result.frameIndex, result.ageMs, result.detections[0].label], [1, 12.5, "cat"]);
  assert.deepEqual([connection.counts.sent, connection.counts.results, connection.inFlight], [1, 1, 0]);
});

test("a frame that was not sent gives way to a newer one", async () => {
  const session = await opened({ fps: 20 });
  connection.send(jpeg(1));
  await session.receive();
  for (const number of [2, 3, 4]) connection.send(jpeg(number));
  assert.equal((await session.receive()).payload[2], 4);
  assert.equal(connection.counts.replaced, 2);
});

test("advice is obeyed, and options change", async () => {
  const session = await opened({ fps: 30 });
  session.say({ warning: "slow_down", recommended_fps: 5, drop_rate: 0.4 });
  await until(() => connection.fps === 5);
  connection.configure({ maxDet: 3, classes: ["cat", 2], conf: null, text: true });
  const { opcode, payload } = await session.receive();
  assert.equal(opcode, 1);
  assert.deepEqual(JSON.parse(payload), { configure: { max_det: 3, classes: ["cat", 2], conf: null, text: true } });
});

test("options that do not exist are refused", async () => {
  const refused = (word) => (error) => error instanceof TypeError && error.message.includes(word);
  assert.throws(() => connect(server.url, { max_det: 5 }), refused('"max_det"'));
  await opened();
  assert.throws(() => connection.configure({ track: true }), refused('"track"'));
  assert.throws(() => connection.configure({ max_det: 5 }), refused("maxDet"));
});

test("iteration ends with the connection", async () => {
  const session = await opened();
  connection.send(jpeg(1));
  await session.receive();
  session.answer(1, "cat");
  const labels = [];
  for await (const { detections } of connection) {
    labels.push(detections[0].label);
    connection.close();
  }
  assert.deepEqual(labels, ["cat"]);
});

test("a refusal for good is an error", async () => {
  const session = await opened();
  session.say({ error: "invalid_pipeline", detail: "Unknown pipeline_id: nope" });
  session.close(1008);
  await assert.rejects(connection.receive(), (error) => {
    return error instanceof StreamError && error.message === "Unknown pipeline_id: nope";
  });
});
