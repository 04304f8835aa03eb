// The page follows the server's advice, as counted at the server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage } from "../support/browser.js";
import { until, waitForState } from "../support/page.js";
import { startServer } from "../support/server.js";

const WANTED = 30;
const adviceIs = (page, advice) => page.locator(`#advice[data-advice="${advice}"]`);

let server;
let browser;

before(async () => {
  server = await startServer({ args: ["--backend", "null:latency_ms=100"] });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.terminate();
});

async function openAt(rate) {
  const page = await newPage(browser);
  await page.goto(`${server.url}/?source=demo`);
  await page.locator("#rate").fill(String(rate));
  await waitForState(page, "live").catch(() => waitForState(page, "slowed"));
  return page;
}

/** Frames per second that reach the server. */
async function arrivingFps(seconds = 2) {
  const [before, startedAt] = [await server.framesTotal(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return ((await server.framesTotal()) - before) / ((performance.now() - startedAt) / 1000);
}

const recommendedOn = async (page) => Number(/recommends ([\d.]+) fps/.exec(await page.locator("#advice").textContent())[1]);

test("slow_down lowers the rate that is sent, recovered lets it climb", async () => {
  const page = await openAt(WANTED);
  await adviceIs(page, "slowed").waitFor();
  assert.equal(await page.locator("#state").getAttribute("data-state"), "slowed");
  const recommended = await recommendedOn(page);
  assert.ok(recommended < WANTED * 0.6, `recommended ${recommended} fps`);
  // Until the session recovers, the rate stays at the recommended one.
  const slowed = await arrivingFps(1.5);
  assert.ok(slowed < recommended * 1.4 + 1, `${slowed} fps arrive, ${recommended} are recommended`);

  await adviceIs(page, "climbing").waitFor();
  assert.match(await page.locator("#advice").textContent(), /^Recovered/);
  const sendingOn = async () => Number(/sending ([\d.]+)/.exec(await page.locator("#advice").textContent())[1]);
  const before = await sendingOn();
  await until(async () => (await sendingOn()) > before + 0.4, "the rate to climb");

  // A user who wants no more than the server can handle is back to normal.
  await page.locator("#rate").fill("3");
  await adviceIs(page, "steady").waitFor();
  await waitForState(page, "live");
  const settled = await arrivingFps();
  assert.ok(Math.abs(settled - 3) < 1, `${settled} fps arrive`);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a locked rate ignores the advice and shows it", async () => {
  const page = await openAt(WANTED);
  await page.locator("#lock").check();
  await adviceIs(page, "ignored").waitFor();
  assert.match(await page.locator("#advice").textContent(), /The server recommends [\d.]+ fps; locked at 30\.0/);
  const arriving = await arrivingFps();
  assert.ok(arriving > 18, `${arriving} fps arrive`);
  const shown = await page.locator("#drop-rate").textContent();
  assert.ok(Number.parseInt(shown, 10) > 30, `drop rate ${shown}`);
  assert.equal(await page.locator("#gauge").getAttribute("data-passed"), "2");
  await page.context().close();
});
