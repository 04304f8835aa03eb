// What a user does on the page, and sees.

import assert from "node:assert/strict";
import { classColour } from "../../../src/web/view/colour.js";
import { fitInside, placeBox } from "../../../src/web/view/geometry.js";

export const waitForState = (page, state, timeout = 30_000) =>
  page.locator(`#state[data-state="${state}"]`).waitFor({ timeout });

export const notice = (page, code) => page.locator(`.notice[data-code="${code}"]`);

export const retry = (page, code) => notice(page, code).getByRole("button", { name: /^Retry/ }).click();

/** One of the counts in the panel, such as “Results”. */
export async function countOf(page, name) {
  const text = await page.locator("#counts > div").filter({ has: page.locator("dt", { hasText: new RegExp(`^${name}`) }) }).locator("dd").textContent();
  return Number.parseInt(text.replaceAll("\u202f", ""), 10);
}

/** Waits for further results. */
export async function waitForResults(page, more = 5) {
  const wanted = (await countOf(page, "Results")) + more;
  await until(async () => (await countOf(page, "Results")) >= wanted, `${more} more results`);
}

/** The listed detections: `{ label, classId, score, x, y, w, h }`. */
export async function detections(page) {
  const items = await page.locator("#found li[data-box]").evaluateAll((found) => found.map((item) => ({ ...item.dataset })));
  return items.map(({ label, classId, score, box }) => {
    const [x, y, w, h] = box.split(" ").map(Number);
    return { label, classId: Number(classId), score: Number(score), x, y, w, h };
  });
}

export async function until(isTrue, what, timeoutMs = 30_000) {
  for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`waited in vain for ${what}`);
}

export function overlap(one, other) {
  const width = Math.min(one.x + one.w, other.x + other.w) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.h, other.y + other.h) - Math.max(one.y, other.y);
  const shared = Math.max(width, 0) * Math.max(height, 0);
  return shared / (one.w * one.h + other.w * other.h - shared);
}

/** Asserts that each expected detection is listed, with its label and at its place. */
export async function assertFound(page, expected) {
  const isFound = (found, each) => found.some((one) => one.label === each.label && overlap(one, each) > 0.7);
  let found = [];
  const areAllFound = async () => {
    found = await detections(page);
    return expected.every((each) => isFound(found, each));
  };
  await until(areAllFound, "the expected detections", 60_000).catch((error) => {
    error.message += `\nexpected ${JSON.stringify(expected)}\nfound ${JSON.stringify(found)}`;
    throw error;
  });
  return found;
}

/**
 * The share of a box's outline, where it should lie on the overlay, that has the class's colour.
 * `frame` is the size of the frames as sent.
 */
export async function outlineShare(page, detection, frame) {
  const canvas = await page.locator("#image").evaluate((element) => {
    const { width, height } = element;
    const ratio = width / element.getBoundingClientRect().width;
    const { data } = element.getContext("2d").getImageData(0, 0, width, height);
    let text = "";
    for (let at = 0; at < data.length; at += 4) text += String.fromCharCode(data[at], data[at + 1], data[at + 2]);
    return { width, height, ratio, pixels: btoa(text) };
  });
  const pixels = Buffer.from(canvas.pixels, "base64");
  const colour = classColour(detection.classId);
  const hasColour = (x, y) => {
    const at = (y * canvas.width + x) * 3;
    return x >= 0 && y >= 0 && x < canvas.width && y < canvas.height && colour.every((value, channel) => Math.abs(value - pixels[at + channel]) < 40);
  };
  const reach = Math.ceil(3 * canvas.ratio);
  const isNear = ([x, y]) => {
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) if (hasColour(Math.round(x) + dx, Math.round(y) + dy)) return true;
    }
    return false;
  };
  const points = outlineOf(placeBox(detection, fitInside(frame, canvas)));
  return points.filter(isNear).length / points.length;
}

function outlineOf({ x, y, w, h }) {
  const shares = Array.from({ length: 25 }, (_, at) => (at + 0.5) / 25);
  return shares.flatMap((share) => [[x + share * w, y], [x + share * w, y + h], [x, y + share * h], [x + w, y + share * h]]);
}

/** Asserts that a detection's outline is on the overlay at its place, and not beside it. */
export async function assertDrawn(page, detection, frame) {
  const here = await outlineShare(page, detection, frame);
  assert.ok(here > 0.85, `${Math.round(here * 100)} % of the outline of ${JSON.stringify(detection)} is there`);
  const moved = { ...detection, x: detection.x + 0.25 * detection.w, y: detection.y + 0.25 * detection.h };
  const beside = await outlineShare(page, moved, frame);
  assert.ok(beside < 0.6, `${Math.round(beside * 100)} % of it is beside its place`);
}
