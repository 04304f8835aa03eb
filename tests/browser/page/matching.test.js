// An answer is shown on the exact frame that it is about.

import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, newPage } from "../support/browser.js";
import { waitForResults, waitForState } from "../support/page.js";
import { startServer } from "../support/server.js";

/** Records what the page sends, and can damage some of it so that the server does not count it. */
function keepSentFrames(damaged) {
  globalThis.countedFrames = [];
  const send = WebSocket.prototype.send;
  let sent = 0;
  WebSocket.prototype.send = function (bytes) {
    sent += 1;
    if (damaged.includes(sent)) return send.call(this, bytes.slice(0, -1));
    globalThis.countedFrames.push(bytes.slice(0));
    return send.call(this, bytes);
  };
}

/**
 * How much the image on the stage differs from frames that were sent: the one whose number the
 * stage shows, and those sent shortly before and after it.
 */
async function differences() {
  const stage = document.getElementById("stage");
  const canvas = document.getElementById("image");
  const index = Number(stage.dataset.frame) - 1;
  const size = { width: 320, height: 240 };
  const small = new OffscreenCanvas(size.width, size.height).getContext("2d", { willReadFrequently: true });
  const pixelsOf = (image) => {
    small.drawImage(image, 0, 0, size.width, size.height);
    return small.getImageData(0, 0, size.width, size.height).data;
  };
  const shown = pixelsOf(canvas);
  const differenceTo = async (bytes) => {
    const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    const sent = pixelsOf(image);
    return sent.reduce((total, value, at) => total + Math.abs(value - shown[at]), 0) / sent.length;
  };
  const near = (offset) => differenceTo(globalThis.countedFrames[index + offset]);
  return { index, own: await near(0), before: await near(-1), after: await near(1) };
}

for (const [name, damaged] of [
  ["with a slow server", []],
  ["with frames that the server refused in between", [4, 9, 10, 15]],
]) {
  test(`the frame on the stage is the one that was answered, ${name}`, async () => {
    const server = await startServer({ args: ["--backend", "null:latency_ms=150"] });
    const browser = await launch();
    try {
      const page = await newPage(browser);
      await page.addInitScript(keepSentFrames, damaged);
      await page.goto(`${server.url}/?source=demo`);
      await page.locator("#rate").fill("12");
      await page.locator("#lock").check();
      await waitForState(page, "live");
      await waitForResults(page, 15);
      for (let time = 0; time < 3; time += 1) {
        const { index, own, before, after } = await page.evaluate(differences);
        assert.ok(index > 10);
        assert.ok(own < before * 0.75 && own < after * 0.75, `frame ${index}: own ${own}, before ${before}, after ${after}`);
        await page.waitForTimeout(300);
      }
      assert.deepEqual(page.faults, []);
    } finally {
      await browser.close();
      await server.terminate();
    }
  });
}
