// Switching pipelines takes effect.

import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, newPage } from "../support/browser.js";
import { expectedIn, FACES, needsData, OBJECTS, photo } from "../support/data.js";
import { assertDrawn, assertFound, detections, until, waitForState } from "../support/page.js";
import { startServer } from "../support/server.js";

test("another pipeline finds other things in the same image", needsData, async () => {
  const server = await startServer({ args: ["--pipeline", FACES, "--pipeline", OBJECTS] });
  const browser = await launch();
  try {
    const page = await newPage(browser);
    await page.goto(`${server.url}/?source=stills`);
    await page.locator("#stills-files").setInputFiles(photo);
    await waitForState(page, "live");
    const labels = async () => new Set((await detections(page)).map(({ label }) => label));
    await assertFound(page, expectedIn("yunet_n_320_320"));
    assert.deepEqual(await labels(), new Set(["face"]));
    assert.deepEqual(await page.locator("#pipeline option").evaluateAll((all) => all.map(({ value }) => value)), ["faces", "objects"]);

    await page.locator("#pipeline").selectOption("objects");
    const [person] = await assertFound(page, expectedIn("yolox_nano"));
    assert.ok(!(await labels()).has("face"));
    await assertDrawn(page, person, { width: 640, height: 480 });
    await page.locator("#connection", { hasText: "yolox_nano" }).waitFor();

    await page.locator("#pipeline").selectOption("faces");
    await until(async () => [...(await labels())].join() === "face", "faces alone");
    assert.deepEqual(page.faults, []);
  } finally {
    await browser.close();
    await server.terminate();
  }
});
