import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkWatch } from "../../../src/web/stream/link.js";

/**
 * Sends 15 frames per second through a pipe that takes a given time for each, to a server that answers
 * at once after a flight of `flightMs`. Returns the delays of the frames that were sent.
 */
function stream({ pipeMs, flightMs = 20, seconds = 30 }) {
  const link = new LinkWatch();
  const underway = [];
  const delays = [];
  let pipeFreeAt = 0;
  for (let now = 0; now < seconds * 1000; now += 1000 / 15) {
    while (underway.length > 0 && underway[0].arrivesAt <= now) {
      const { sentAt, arrivesAt } = underway.shift();
      link.answered(arrivesAt - sentAt, underway.length);
      delays.push(arrivesAt - sentAt);
    }
    if (!link.mayCarry(underway.length)) continue;
    pipeFreeAt = Math.max(pipeFreeAt, now) + pipeMs(now);
    underway.push({ sentAt: now, arrivesAt: pipeFreeAt + flightMs });
  }
  return delays;
}

test("a good link carries every frame", () => {
  assert.ok(stream({ pipeMs: () => 2 }).length >= 448);
});

test("a distant server is not a slow link: only growth counts", () => {
  const { length } = stream({ pipeMs: () => 2, flightMs: 400 });
  assert.ok(length >= 425, `${length} frames got through`);
});

test("on a link that carries a quarter of the frames, the delay stays near one second and the link is used", () => {
  const delays = stream({ pipeMs: () => 250 });
  assert.ok(Math.max(...delays) <= 1100, `longest delay ${Math.max(...delays)} ms`);
  assert.ok(delays.length > 110, `${delays.length} frames got through`);
});

test("a link that deteriorates is noticed before it is full, and one that recovers is used again", () => {
  const delays = stream({ pipeMs: (now) => (now > 10_000 && now < 20_000 ? 400 : 2) });
  assert.ok(Math.max(...delays) <= 2200, `longest delay ${Math.max(...delays)} ms`);
  assert.ok(delays.length > 300, `${delays.length} frames got through`);
});

test("a server that never answers gets only a few frames; a new connection starts clean", () => {
  const link = new LinkWatch();
  assert.ok(link.mayCarry(2));
  assert.ok(!link.mayCarry(3));
  for (let at = 0; at < 5; at += 1) link.answered(at * 500, 4);
  assert.ok(link.mayCarry(1));
  assert.ok(!link.mayCarry(2));
  link.reset();
  assert.ok(link.mayCarry(2));
});
