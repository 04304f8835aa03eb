// The real camera path, from the browser's camera to boxes on the overlay.

import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, newPage } from "../support/browser.js";
import { expectedIn, FACES, needsData, photo } from "../support/data.js";
import { assertDrawn, assertFound, outlineShare, waitForResults, waitForState } from "../support/page.js";
import { film } from "../support/images.js";
import { startServer } from "../support/server.js";

const FRAME = { width: 640, height: 480 };

test("the camera's image gets its boxes", needsData, async (context) => {
  const server = await startServer({ args: ["--pipeline", FACES] });
  context.after(() => server.terminate());
  const browser = await launch({ camera: film(photo, "mjpeg") });
  context.after(() => browser.close());

  await context.test("at the expected place, on the frame they belong to", async () => {
    const page = await newPage(browser);
    await page.goto(server.url);
    await waitForState(page, "live");
    const found = await assertFound(page, expectedIn("yunet_n_320_320"));
    assert.equal(await page.locator("#stage").getAttribute("data-shows"), "answer");
    assert.match(await page.locator("#caption").textContent(), /^Frame \d+ · 640 × 480 · boxes on their own frame$/);
    for (const detection of found.filter(({ score }) => score > 0.6)) await assertDrawn(page, detection, FRAME);
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  for (const [name, viewport, deviceScaleFactor] of [
    ["a phone", { width: 390, height: 844 }, 3],
    ["a wide screen", { width: 1900, height: 700 }, 1],
    ["a zoomed page", { width: 900, height: 700 }, 1.25],
  ]) {
    await context.test(`at the expected place on ${name}`, async () => {
      const page = await newPage(browser, { viewport, deviceScaleFactor });
      await page.goto(server.url);
      await waitForState(page, "live");
      const found = await assertFound(page, expectedIn("yunet_n_320_320"));
      for (const detection of found.filter(({ score }) => score > 0.6)) await assertDrawn(page, detection, FRAME);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
      await page.context().close();
    });
  }

  await context.test("boxes over the live image say how old they are", async () => {
    const page = await newPage(browser);
    await page.goto(server.url);
    await waitForState(page, "live");
    const [detection] = await assertFound(page, expectedIn("yunet_n_320_320"));
    await page.locator("#view").selectOption("live");
    await page.locator("#caption", { hasText: /Live image · boxes of frame \d+ are \d+(\.\d)? ms old/ }).waitFor();
    assert.ok((await outlineShare(page, detection, FRAME)) > 0.85);
    await page.context().close();
  });

  await context.test("the camera and its size can be chosen, and stopped and started", async () => {
    const page = await newPage(browser);
    await page.goto(server.url);
    await waitForState(page, "live");
    assert.notEqual(await page.locator("#camera").inputValue(), "");
    await page.locator("#size").selectOption("320x240");
    await page.locator("#caption", { hasText: "320 × 240" }).waitFor();
    await page.locator("#run").click();
    await waitForState(page, "stopped");
    await page.locator("#run").click();
    await waitForState(page, "live");
    await waitForResults(page);
    await page.context().close();
  });
});
