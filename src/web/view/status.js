// The state of the connection: a pill to look at, a sentence for screen readers.

import { byId, setText } from "./dom.js";
import { perSecond } from "./numbers.js";

const SENTENCES = {
  connecting: "Connecting to the server",
  open: "Connected",
  live: "Live: boxes are coming in",
  slowed: "Live, slowed down on the server's advice",
  draining: "The server is shutting down",
  waiting: "Connection lost, connecting again by itself",
  closed: "Connection closed",
  stopped: "Stopped",
};

/** @returns {string} the pill's text */
export function statusText(name, { retryAt = 0, now = 0, attempt = 0, rate = 0 } = {}) {
  if (name === "waiting") {
    const seconds = Math.max(Math.ceil((retryAt - now) / 1000), 0);
    return `Reconnecting in ${seconds} s · attempt ${attempt}`;
  }
  if (name === "slowed") return `Live · slowed to ${perSecond(rate)} fps`;
  const texts = { connecting: "Connecting", open: "Connected", live: "Live", draining: "Server leaving", closed: "Not connected", stopped: "Stopped" };
  return texts[name];
}

export function showStatus(name, facts) {
  const pill = byId("state");
  setText(byId("state-text"), statusText(name, facts));
  if (pill.dataset.state === name && byId("announcer").textContent) return;
  pill.dataset.state = name;
  setText(byId("announcer"), SENTENCES[name]);
}
