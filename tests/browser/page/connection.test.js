// Lost connections that come back, and servers that this page cannot talk to.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, OTHER_NAME } from "../support/browser.js";
import { countOf, notice, retry, waitForResults, waitForState } from "../support/page.js";
import { startServer } from "../support/server.js";

const QUICK = ["--backend", "null:latency_ms=5"];
let browser;

before(async () => {
  browser = await launch({ args: [OTHER_NAME] });
});
after(() => browser?.close());

async function withServer(use, options = { args: QUICK }) {
  const page = await newPage(browser);
  const running = { server: await startServer(options) };
  try {
    await use(page, running);
    assert.deepEqual(page.faults, []);
  } finally {
    await page.context().close();
    await running.server.terminate();
  }
}

test("a killed server is reported as gone; once it restarts, the page is live again by itself", () =>
  withServer(async (page, running) => {
    await page.goto(`${running.server.url}/?source=demo`);
    await waitForState(page, "live");
    const { port } = running.server;
    await running.server.kill();
    await notice(page, "server_gone").waitFor();
    assert.match(await notice(page, "server_gone").textContent(), /cannot be reached.*framegate serve/);
    assert.match(await page.locator("#state-text").textContent(), /^(Reconnecting in \d+ s · attempt \d+|Connecting)$/);
    assert.match(await page.locator("#announcer").textContent(), /connecting again|Connecting/i);
    running.server = await startServer({ port, args: QUICK });
    await waitForState(page, "live");
    await waitForResults(page);
    assert.equal(await notice(page, "server_gone").count(), 0);
  }));

test("Retry connects at once", () =>
  withServer(async (page, running) => {
    await page.goto(`${running.server.url}/?source=demo`);
    await waitForState(page, "live");
    const { port } = running.server;
    await running.server.kill();
    // By the fourth attempt the page waits eight seconds: enough time to press Retry.
    await page.locator("#state-text", { hasText: "attempt 4" }).waitFor();
    running.server = await startServer({ port, args: QUICK });
    await retry(page, "server_gone");
    await waitForState(page, "live", 5000);
  }));

test("the page waits for a server that restarts", () =>
  withServer(async (page, running) => {
    await page.goto(`${running.server.url}/?source=demo`);
    await waitForState(page, "live");
    const { port } = running.server;
    await running.server.terminate();
    await page.locator(".notice:is([data-code=draining], [data-code=server_gone])").waitFor();
    running.server = await startServer({ port, args: QUICK });
    await waitForState(page, "live");
    assert.equal(await page.locator(".notice").count(), 0);
  }));

test("a server that does not allow this address: says that it is running and refuses", () =>
  withServer(async (page, { server }) => {
    // A server that listens on this machine only treats a foreign name as an attack (DNS rebinding).
    await page.goto(`http://framegate.test:${server.port}/?source=demo`);
    await notice(page, "connection_refused").waitFor();
    assert.match(await notice(page, "connection_refused").textContent(), /refused the connection.*does not allow this page's origin/);
  }));

test("an unknown pipeline: shows its name and the existing ones, and Retry takes one", () =>
  withServer(async (page, { server }) => {
    await page.goto(`${server.url}/?source=demo&pipeline=nope`);
    await notice(page, "invalid_pipeline").waitFor();
    assert.match(await notice(page, "invalid_pipeline").textContent(), /no pipeline “nope”.*It has: null/);
    await retry(page, "invalid_pipeline");
    await waitForState(page, "live");
    assert.equal(await notice(page, "invalid_pipeline").count(), 0);
  }));

test("damaged frames: the server's words are shown, the stream continues, the notice disappears", () =>
  withServer(async (page, { server }) => {
    await page.addInitScript(() => {
      const send = WebSocket.prototype.send;
      let sent = 0;
      WebSocket.prototype.send = function (bytes) {
        sent += 1;
        return send.call(this, [20, 22].includes(sent) ? bytes.slice(0, -1) : bytes);
      };
    });
    await page.goto(`${server.url}/?source=demo`);
    await notice(page, "invalid_frame").waitFor();
    assert.match(await notice(page, "invalid_frame").textContent(), /refused a frame.*missing EOI marker/);
    await waitForResults(page, 5);
    assert.equal(await countOf(page, "Refused"), 2);
    await notice(page, "invalid_frame").waitFor({ state: "detached" });
    assert.equal(await notice(page, "answer_unmatched").count(), 0);
  }));

test("frames that are too large: says the sizes; a smaller image and Retry help", () =>
  withServer(
    async (page, { server }) => {
      await page.goto(`${server.url}/?source=demo`);
      await page.locator("#quality").selectOption("0.95");
      await page.locator("#size").selectOption("1920x1080");
      await notice(page, "frame_too_large").waitFor();
      assert.match(await notice(page, "frame_too_large").textContent(), /A frame was too large.*smaller size/);
      await page.locator("#size").selectOption("320x240");
      await page.locator("#quality").selectOption("0.5");
      await retry(page, "frame_too_large");
      await waitForResults(page);
      assert.equal(await notice(page, "frame_too_large").count(), 0);
    },
    { args: QUICK, env: { STREAM_MAX_FRAME_SIZE_MB: "0.1" } },
  ));

test("a server of another version: says so, and Retry reloads the page", () =>
  withServer(async (page, { server }) => {
    await page.routeWebSocket(/ws\/video\/stream/, (socket) => socket.send('{"welcome":"stranger"}'));
    await page.goto(`${server.url}/?source=demo`);
    await notice(page, "version_mismatch").waitFor();
    assert.match(await notice(page, "version_mismatch").textContent(), /do not speak the same version.*reload the page/);
    await page.evaluate(() => {
      globalThis.isOldPage = true;
    });
    await retry(page, "version_mismatch");
    await page.waitForFunction(() => !globalThis.isOldPage);
    await notice(page, "version_mismatch").waitFor();
  }));

test("a message of unknown shape is reported, and the stream continues", () =>
  withServer(async (page, { server }) => {
    await page.routeWebSocket(/ws\/video\/stream/, (socket) => {
      socket.connectToServer();
      setTimeout(() => socket.send('{"surprise":1}'), 1500);
    });
    await page.goto(`${server.url}/?source=demo`);
    await notice(page, "message_unknown").waitFor();
    await waitForResults(page);
  }));
