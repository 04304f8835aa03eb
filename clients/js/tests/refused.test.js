// What the package says when a server does not take it, and what it refuses by itself.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, beforeEach, test } from "node:test";
import { packed } from "./packed.js";
import { startServer } from "./server.js";

const { connect, StreamError } = packed;
const jpeg = Uint8Array.from([0xff, 0xd8, 7, 0xff, 0xd9]);
const fails = (words) => (error) => error instanceof StreamError && error.message.includes(words);
const isWrong = (words) => (error) => error instanceof TypeError && error.message.includes(words);
const stateOf = (wanted) =>
  new Promise((resolve) => (connection.onstate = (name, facts) => name === wanted && resolve(facts)));

let server;
let connection;

beforeEach(async () => {
  server = await startServer();
});

afterEach(() => {
  connection?.close();
  server.close();
});

async function opened() {
  connection = connect(server.url);
  const session = await server.session();
  if (connection.session === null) await stateOf("open");
  return session;
}

test("wrong options are an error with the server's words", async () => {
  server.refuse(400);
  server.answerPlainly("/infer?classes=persn", 400, { error: "invalid_query", detail: 'there is no class "persn"' });
  connection = connect(server.url, { classes: ["persn"] });
  await assert.rejects(connection.receive(), fails('400 there is no class "persn"'));
  assert.equal(connection.state, "closed");
  assert.throws(() => connection.send(jpeg), fails("persn"));
});

test("a wrong path and a page that is not admitted are errors", async () => {
  for (const [status, detail] of [[404, "There is nothing at this path"], [403, "start it with --allow-origin"]]) {
    server.refuse(status);
    server.answerPlainly(`/${status}`, status, { detail });
    connection = connect(`${server.url}/${status}`);
    await assert.rejects(connection.receive(), fails(detail));
  }
});

test("a refusal that passes is tried again, and shown", async () => {
  server.refuse(503);
  // Asked without an image it has nothing against the options.
  server.answerPlainly("/infer", 400, { error: "invalid_frame", detail: "Frame is empty" });
  connection = connect(server.url);
  const { delayMs, attempt } = await stateOf("waiting");
  assert.ok(delayMs > 0);
  assert.equal(attempt, 1);
  await server.session();
  await stateOf("open");
  assert.equal(server.attempts, 1);
});

test("a server that comes later is found", async () => {
  const { port } = new URL(server.url);
  server.close();
  connection = connect(`ws://127.0.0.1:${port}`);
  await stateOf("waiting");
  const late = createServer();
  late.listen(port, "127.0.0.1");
  await once(late, "listening");
  const [request, socket] = await once(late, "upgrade");
  assert.ok(request.url.startsWith("/ws/video/stream"));
  socket.destroy();
  late.close();
});

test("values are checked before they are sent", async () => {
  await opened();
  const wrong = [
    [{ conf: 2 }, "conf must be a number from 0 to 1"],
    [{ iou: "x" }, "iou"],
    [{ maxDet: 1.5 }, "whole number"],
    [{ text: "no" }, "true or false"],
    [{ classes: [] }, "names no class"],
    [{ classes: "person" }, '["person"]'],
    [{ classes: { person: 3 } }, '"person"'],
  ];
  for (const [options, words] of wrong) {
    assert.throws(() => connection.configure(options), isWrong(words));
    assert.throws(() => connect(server.url, options), isWrong(words));
  }
  assert.throws(() => connect(server.url, { fps: 0 }), isWrong("fps"));
});

test("a session that the server ends over a change is an error", async () => {
  const session = await opened();
  connection.configure({ classes: ["persn"] });
  await session.receive();
  session.say({ error: "invalid_message", detail: 'there is no class "persn"' });
  session.close(1003);
  await assert.rejects(connection.receive(), fails("persn"));
});

test("what is not a JPEG is refused by send", async () => {
  const session = await opened();
  const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47]);
  assert.throws(() => connection.send(png), isWrong("not a JPEG"));
  assert.throws(() => connection.send("photo.jpg"), isWrong("bytes of a JPEG"));
  const problem = new Promise((resolve) => (connection.onproblem = resolve));
  connection.send(new Blob([png]));
  assert.match((await problem).detail, /not a JPEG/);
  const blob = new Blob([jpeg]);
  connection.send(blob);
  assert.deepEqual([...(await session.receive()).payload], [...jpeg]);
  session.answer(1, "cat");
  assert.equal((await connection.receive()).frame, blob);
});

test("the server's problem with a frame is shown", async () => {
  const session = await opened();
  const problem = new Promise((resolve) => (connection.onproblem = resolve));
  connection.send(jpeg);
  await session.receive();
  session.say({ error: "decode_failed", detail: "cut off", frame_index: 1 });
  assert.deepEqual(await problem, { code: "decode_failed", detail: "cut off" });
});
