// Video and image files, without a camera.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { launch, newPage } from "../support/browser.js";
import { expectedIn, FACES, needsData, photo } from "../support/data.js";
import { assertDrawn, assertFound, notice, retry, waitForState } from "../support/page.js";
import { film } from "../support/images.js";
import { startServer } from "../support/server.js";

const FRAME = { width: 640, height: 480 };

/** Drops a file on the page, as a user does with the mouse. */
async function drop(page, path, type) {
  const content = readFileSync(path).toString("base64");
  await page.evaluate(
    ({ content, type }) => {
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], "dropped", { type }));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
    },
    { content, type },
  );
}

test("files are streamed like a camera", needsData, async (context) => {
  const server = await startServer({ args: ["--pipeline", FACES] });
  context.after(() => server.terminate());
  const browser = await launch();
  context.after(() => browser.close());
  let page;
  context.beforeEach(async () => {
    page = await newPage(browser);
    await page.goto(`${server.url}/?source=video`);
  });
  context.afterEach(async () => {
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  const assertFaces = async () => {
    await waitForState(page, "live");
    const found = await assertFound(page, expectedIn("yunet_n_320_320"));
    for (const detection of found.filter(({ score }) => score > 0.6)) await assertDrawn(page, detection, FRAME);
  };

  await context.test("a chosen WebM gets its boxes at the expected place, and loops", async () => {
    await page.locator("#video-file").setInputFiles(film(photo, "webm", 1));
    await assertFaces();
    await page.waitForTimeout(1500);
    const before = Number(await page.locator("#stage").getAttribute("data-frame"));
    await page.waitForTimeout(1000);
    assert.ok(Number(await page.locator("#stage").getAttribute("data-frame")) > before);
  });

  await context.test("so does a dropped MP4", async () => {
    await drop(page, film(photo, "mp4"), "video/mp4");
    await assertFaces();
    assert.ok(await page.locator("input[value=video]").isChecked());
  });

  await context.test("so does a dropped image", async () => {
    await drop(page, photo, "image/jpeg");
    await assertFaces();
    assert.ok(await page.locator("input[value=stills]").isChecked());
  });

  await context.test("several images are shown one after another, large ones shrunk", async () => {
    await page.locator("input[value=stills]").check({ force: true });
    const png = await page.screenshot({ clip: { x: 0, y: 0, width: 1200, height: 600 } });
    await page.locator("#stills-files").setInputFiles([
      { name: "photo.jpg", mimeType: "image/jpeg", buffer: readFileSync(photo) },
      { name: "page.png", mimeType: "image/png", buffer: png },
    ]);
    await page.locator("#caption", { hasText: "640 × 480" }).waitFor();
    await page.locator("#caption", { hasText: "640 × 320" }).waitFor();
  });

  await context.test("a file that cannot be played is reported, and another one can be chosen", async () => {
    await page.locator("#video-file").setInputFiles({ name: "broken.mp4", mimeType: "video/mp4", buffer: Buffer.from("not a film") });
    await notice(page, "video_unplayable").waitFor();
    assert.match(await notice(page, "video_unplayable").textContent(), /“broken.mp4” cannot be played.*MP4 with H.264 and WebM/);
    await retry(page, "video_unplayable");
    await notice(page, "video_unplayable").waitFor();
    await page.locator("#video-file").setInputFiles(film(photo, "webm"));
    await waitForState(page, "live");
    assert.equal(await notice(page, "video_unplayable").count(), 0);
  });

  await context.test("an image that cannot be read is reported", async () => {
    await page.locator("#stills-files").setInputFiles({ name: "broken.jpg", mimeType: "image/jpeg", buffer: Buffer.from("not an image") });
    await notice(page, "image_unreadable").waitFor();
  });
});
