// Starts the real server and stops it, gently or not.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { repository } from "./data.js";

const START_MS = 60_000;
const binary = process.env.FRAMEGATE_BINARY ?? join(repository, "target/debug/framegate");

/** @param options `port` (0: any), further `args`, `env` */
export async function startServer({ port = 0, args = [], env = {} } = {}) {
  const child = spawn(binary, ["serve", "--port", String(port), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = await addressOf(child);
  const ended = once(child, "exit");
  const end = async (signal) => {
    child.kill(signal);
    await ended;
  };
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid,
    kill: () => end("SIGKILL"),
    terminate: () => end("SIGTERM"),
    framesTotal: () => framesTotal(url),
  };
}

function addressOf(child) {
  let text = "";
  return new Promise((resolve, reject) => {
    const giveUp = (why) => {
      clearTimeout(timer);
      reject(new Error(`the server ${why}:\n${text}`));
    };
    const timer = setTimeout(() => giveUp("did not say that it is listening"), START_MS);
    child.on("error", (error) => giveUp(`cannot be started (${error.message})`));
    child.on("exit", (code) => giveUp(`ended with status ${code}`));
    child.stderr.on("data", (part) => {
      text += part;
      const line = text.split("\n").find((each) => each.includes("listening"));
      const address = /http:\/\/[\d.]+:\d+/.exec(line ?? "");
      if (!address) return;
      clearTimeout(timer);
      resolve(address[0]);
    });
  });
}

/** The number of frames that the server has counted so far, whatever became of them. */
async function framesTotal(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = [...text.matchAll(/^framegate_frames_total\{[^}]*\} (\S+)$/gm)].map(([, value]) => Number(value));
  return values.reduce((total, value) => total + value, 0);
}
