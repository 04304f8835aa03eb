// Starts Debian's Chromium and opens the page in it.

import { chromium } from "playwright-core";

export const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const FAKE_CAMERA = ["--use-fake-device-for-media-stream"];
const ALLOW_CAMERA = ["--use-fake-ui-for-media-stream"];

/** An argument by which the browser also reaches this machine as framegate.test. */
export const OTHER_NAME = "--host-resolver-rules=MAP framegate.test 127.0.0.1";

/** @param camera `none`, `denied`, `pattern` (Chromium's own), or the path of an MJPEG or Y4M file */
export function launch({ camera = "none", args = [] } = {}) {
  const cameraArgs = {
    none: ALLOW_CAMERA,
    denied: [...FAKE_CAMERA, "--deny-permission-prompts"],
    pattern: [...FAKE_CAMERA, ...ALLOW_CAMERA],
  }[camera] ?? [...FAKE_CAMERA, ...ALLOW_CAMERA, `--use-file-for-fake-video-capture=${camera}`];
  return chromium.launch({ executablePath: EXECUTABLE, args: [...ARGS, ...cameraArgs, ...args] });
}

/**
 * Opens a page that records what must never happen: errors, requests to other machines, and what the
 * Content-Security-Policy blocked. `page.faults` holds them.
 */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) page.faults.push(message.text());
  });
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    const isLocal = ["blob:", "data:"].includes(protocol) || ["127.0.0.1", "framegate.test"].includes(hostname);
    if (!isLocal) page.faults.push(`request to ${request.url()}`);
  });
  return page;
}
