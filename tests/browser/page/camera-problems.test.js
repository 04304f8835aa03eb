// Everything that can go wrong with a camera: each problem is explained, and Retry works.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, OTHER_NAME } from "../support/browser.js";
import { notice, retry, waitForResults, waitForState } from "../support/page.js";
import { startServer } from "../support/server.js";

let server;
let browser;

before(async () => {
  server = await startServer({ args: ["--backend", "null:latency_ms=5"] });
});
after(() => server?.terminate());

async function withPage(options, use) {
  browser = await launch(options);
  try {
    const page = await newPage(browser);
    await use(page);
    assert.deepEqual(page.faults, []);
  } finally {
    await browser.close();
  }
}

const textOf = (page, code) => notice(page, code).textContent();

test("denied: says how to allow it; allowed and retried, it streams", () =>
  withPage({ camera: "denied" }, async (page) => {
    await page.goto(server.url);
    await notice(page, "camera_denied").waitFor();
    assert.match(await textOf(page, "camera_denied"), /camera is not allowed.*Allow it in the browser.*then retry/);
    await retry(page, "camera_denied");
    await notice(page, "camera_denied").waitFor();
    await page.context().grantPermissions(["camera"], { origin: server.url });
    await retry(page, "camera_denied");
    await page.locator("#stage[data-empty=false]").waitFor();
    await waitForState(page, "live");
    assert.equal(await notice(page, "camera_denied").count(), 0);
  }));

test("denied: the demo is one press away", () =>
  withPage({ camera: "denied" }, async (page) => {
    await page.goto(server.url);
    await notice(page, "camera_denied").getByRole("button", { name: "Play the demo" }).click();
    await waitForState(page, "live");
    assert.ok(await page.locator("input[value=demo]").isChecked());
  }));

test("in use: says what to close; once it is free, Retry streams", () =>
  withPage({ camera: "pattern" }, async (page) => {
    await page.addInitScript(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      let calls = 0;
      navigator.mediaDevices.getUserMedia = (wanted) => {
        calls += 1;
        return calls === 1 ? Promise.reject(new DOMException("Could not start video source", "NotReadableError")) : real(wanted);
      };
    });
    await page.goto(server.url);
    await notice(page, "camera_in_use").waitFor();
    assert.match(await textOf(page, "camera_in_use"), /camera is in use.*Close it there, then retry/);
    await retry(page, "camera_in_use");
    await waitForState(page, "live");
    await waitForResults(page);
  }));

test("absent: the demo plays, and Retry looks for a camera again", () =>
  withPage({ camera: "none" }, async (page) => {
    await page.goto(server.url);
    await notice(page, "camera_absent").waitFor();
    assert.match(await textOf(page, "camera_absent"), /No camera was found.*demo is playing.*Plug one in/);
    await waitForState(page, "live");
    assert.ok(await page.locator("input[value=demo]").isChecked());
    await retry(page, "camera_absent");
    await notice(page, "camera_absent").waitFor();
    assert.ok(await page.locator("input[value=camera]").isChecked());
  }));

test("insecure origin: says why and what to do, and the demo plays", () =>
  withPage({ camera: "pattern", args: [OTHER_NAME] }, async (page) => {
    // Only a server for the whole network accepts a name that is not this machine's own.
    const open = await startServer({ args: ["--host", "0.0.0.0", "--backend", "null:latency_ms=5"] });
    try {
      await page.goto(`http://framegate.test:${open.port}`);
      await notice(page, "insecure_origin").waitFor();
      assert.match(await textOf(page, "insecure_origin"), /http:\/\/framegate\.test:\d+ is not a secure origin.*https/);
      await waitForState(page, "live");
      await waitForResults(page);
    } finally {
      await open.terminate();
    }
  }));

test("lost while streaming: says so, and Retry brings it back", () =>
  withPage({ camera: "pattern" }, async (page) => {
    await page.addInitScript(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await real(wanted);
        globalThis.unplug = () => stream.getVideoTracks()[0].dispatchEvent(new Event("ended"));
        return stream;
      };
    });
    await page.goto(server.url);
    await waitForState(page, "live");
    await page.evaluate(() => globalThis.unplug());
    await notice(page, "camera_lost").waitFor();
    await retry(page, "camera_lost");
    await page.locator("#stage[data-empty=false]").waitFor();
    await waitForResults(page);
  }));
