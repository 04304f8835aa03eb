// Streams the demo for a long time and watches memory, at the browser and at the server:
//   node soak.js [minutes, default 60] [further arguments of `framegate serve`]
// Ends with status 1 if either grew by more than a tenth between the second quarter and the last.
// Runs of less than half an hour say little: in its first minutes Chromium starts services of its own.
//
// The browser runs without Playwright: while developer tools are attached, a browser keeps memory that
// it would otherwise free.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ARGS, EXECUTABLE } from "./support/browser.js";
import { startServer } from "./support/server.js";

const minutes = Number(process.argv[2] ?? 60);
const SAMPLES = 240;
const SAMPLES_SHOWN = 24;
const ALLOWED_GROWTH = 1.1;

const server = await startServer({ args: process.argv.slice(3) });
const profile = mkdtempSync(join(tmpdir(), "framegate-soak-"));
const browser = spawn(EXECUTABLE, ["--headless", ...ARGS, `--user-data-dir=${profile}`, `${server.url}/?source=demo`], {
  stdio: "ignore",
});

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // The process has ended in the meantime.
  }
}

const childrenOf = (pid, all) => all.filter(({ parent }) => parent === pid).flatMap(({ pid: child }) => [child, ...childrenOf(child, all)]);

/** A process and all its descendants. */
function family(pid) {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${name}/status`))?.[1]) }));
  return [pid, ...childrenOf(pid, all)];
}

/** Private memory of these processes. */
function megabytes(pids) {
  const kilobytes = pids.map((pid) => Number(/^RssAnon:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0));
  return kilobytes.reduce((total, each) => total + each, 0) / 1e3;
}

const samples = [];
for (let at = 1; at <= SAMPLES; at += 1) {
  await new Promise((resolve) => setTimeout(resolve, (minutes * 60_000) / SAMPLES));
  const sample = { browser: megabytes(family(browser.pid)), server: megabytes([server.pid]) };
  samples.push(sample);
  if (at % (SAMPLES / SAMPLES_SHOWN) !== 0) continue;
  const frames = await server.framesTotal();
  console.log(`${((at * minutes) / SAMPLES).toFixed(1)} min: browser ${sample.browser.toFixed(0)} MB, server ${sample.server.toFixed(1)} MB, ${frames} frames`);
}

// The minimum of a quarter is what is in use; everything above it awaits the garbage collector.
const lowest = (part, name) => Math.min(...part.map((sample) => sample[name]));
const quarter = SAMPLES / 4;
const growth = (name) => lowest(samples.slice(-quarter), name) / lowest(samples.slice(quarter, 2 * quarter), name);
for (const name of ["browser", "server"]) console.log(`${name}: × ${growth(name).toFixed(3)} from the second quarter to the last`);
if (["browser", "server"].some((name) => growth(name) > ALLOWED_GROWTH)) process.exitCode = 1;

const browserEnded = once(browser, "exit");
browser.kill();
await browserEnded;
await server.terminate();
rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
