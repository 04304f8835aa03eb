// Every frame of a video file, analysed on the server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { launch, newPage } from "../support/browser.js";
import { expectedIn, FACES, needsData, photo } from "../support/data.js";
import { film, filmThenBlack } from "../support/images.js";
import { overlap, until } from "../support/page.js";
import { startServer } from "../support/server.js";

const jobsOf = async (server) => (await (await fetch(`${server.url}/video/jobs`)).json()).jobs;

async function openPage(context, server) {
  const browser = await launch();
  context.after(() => browser.close());
  const page = await newPage(browser, { acceptDownloads: true });
  await page.goto(`${server.url}/?source=video`);
  return page;
}

async function analyse(page, path) {
  await page.locator("#video-file").setInputFiles(path);
  await page.locator("#analyse").click();
}

const isState = (page, state) => page.locator(`#analysis[data-state="${state}"]`).waitFor();

/** What is listed for the frame on display. */
const found = (page) =>
  page.locator("#analysis-found li[data-box]").evaluateAll((items) =>
    items.map(({ dataset: { label, box } }) => {
      const [x, y, w, h] = box.split(" ").map(Number);
      return { label, x, y, w, h };
    }),
  );

/** Shows the frame at this time, as with the video's own controls. */
const seek = (page, seconds) =>
  page.locator("#analysis-video").evaluate(
    (video, seconds) =>
      new Promise((resolve) => {
        video.addEventListener("seeked", resolve, { once: true });
        video.currentTime = seconds;
      }),
    seconds,
  );

test("every frame of a file is analysed, and its boxes are those of the time", needsData, async (context) => {
  const server = await startServer({ args: ["--pipeline", FACES] });
  context.after(() => server.terminate());
  const page = await openPage(context, server);
  assert.ok(await page.locator("#analyse").isDisabled(), "there is no file yet");
  await analyse(page, filmThenBlack(photo));
  await isState(page, "done");
  assert.match(await page.locator("#analysis-state").textContent(), /^Done · 30 frames$/);

  const faces = expectedIn("yunet_n_320_320");
  await seek(page, 0.5);
  await until(async () => (await page.locator("#analysis-player").getAttribute("data-frame")) === "7", "frame 7");
  const here = await found(page);
  for (const face of faces) assert.ok(here.some((one) => overlap(one, face) > 0.7), JSON.stringify(here));
  const painted = () =>
    page.locator("#analysis-boxes").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, at) => at % 4 === 3 && value > 0);
    });
  assert.ok(await painted());
  await seek(page, 1.5);
  await until(async () => (await page.locator("#analysis-player").getAttribute("data-frame")) === "22", "frame 22");
  assert.deepEqual(await found(page), []);
  assert.ok(!(await painted()));

  const row = page.locator("#analysis-summary tr[data-label=face]");
  assert.match(await row.innerText(), /face\s+15\s+\d+\s+0:00\.0/);
  await row.getByRole("button").click();
  await until(async () => (await page.locator("#analysis-player").getAttribute("data-frame")) === "0", "the first face");

  const download = async (kind) => {
    const waiting = page.waitForEvent("download");
    await page.locator(`[data-download=${kind}]`).click();
    const file = await waiting;
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
  };
  const lines = await download("jsonl");
  assert.equal(lines.name, "film-then-black.jsonl");
  const messages = lines.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(messages.length, 32);
  assert.equal(messages.at(-1).done.results, 30);
  const boxes = messages.flatMap(({ result }) => result?.detections ?? []).length;
  const sheet = await download("csv");
  assert.equal(sheet.text.trimEnd().split("\r\n").length, boxes + 1);
  const dataset = JSON.parse((await download("coco")).text);
  assert.deepEqual([dataset.images.length, dataset.annotations.length], [30, boxes]);
  assert.deepEqual(page.faults, []);
});

test("an analysis says how far it is, and can be cancelled", needsData, async (context) => {
  const server = await startServer({ args: ["--backend", "null:latency_ms=200", "--batch", "1"] });
  context.after(() => server.terminate());
  const page = await openPage(context, server);
  await page.evaluate(() => {
    globalThis.said = [];
    const note = () => said.push(document.getElementById("analysis-state").textContent);
    new MutationObserver(note).observe(document.getElementById("analysis-state"), { childList: true, characterData: true, subtree: true });
  });
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  const limits = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100_000 };
  await network.send("Network.emulateNetworkConditions", limits);
  await analyse(page, film(photo, "mp4"));
  await page.locator("#analysis-state", { hasText: /^[1-9] of 30 frames/ }).waitFor();
  const said = await page.evaluate(() => globalThis.said);
  assert.ok(said.some((text) => /^Uploading · [1-9]\d? %$/.test(text)), said.join("\n"));
  assert.equal((await jobsOf(server)).length, 1);
  assert.ok((await page.locator("#analysis-bar").evaluate((bar) => bar.position)) > 0);
  await page.locator("#analysis-cancel").click();
  await isState(page, "cancelled");
  assert.match(await page.locator("#analysis-state").textContent(), /^Cancelled after \d+ frames$/);
  await until(async () => (await jobsOf(server)).length === 0, "the server to forget the job");
  assert.ok(await page.locator("[data-download=csv]").isEnabled(), "what there is can be had");

  // An upload that is cancelled leaves nothing behind.
  await network.send("Network.emulateNetworkConditions", { ...limits, uploadThroughput: 10_000 });
  await page.locator("#analyse").click();
  await page.locator("#analysis-state", { hasText: /^Uploading/ }).waitFor();
  await page.locator("#analysis-cancel").click();
  await isState(page, "cancelled");
  assert.deepEqual(await jobsOf(server), []);

  await network.send("Network.emulateNetworkConditions", { ...limits, uploadThroughput: -1 });
  await analyse(page, { name: "broken.mp4", mimeType: "video/mp4", buffer: Buffer.from("not a film") });
  await isState(page, "failed");
  assert.match(await page.locator("#analysis-state").textContent(), /Unable to read video file/);
  assert.deepEqual(page.faults, []);
});
