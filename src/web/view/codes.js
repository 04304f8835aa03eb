// The codes that were read lately, newest first. What a code says is text: an address in it can be opened, but only
// after its host and then the whole of it have been shown.

import { copyText } from "./copy.js";
import { element } from "./dom.js";

const KEPT = 20;
const SHOWN_CHARACTERS = 300;

/** What was read in results, each text once. */
export class CodeLog {
  #entries = new Map(); // text and format → { text, format, content, label }

  /** Notes the codes of a result. Whether there are new ones. */
  note(detections) {
    let isNew = false;
    for (const { text, format, content, label } of detections) {
      if (typeof text !== "string") continue;
      const key = `${format} ${text}`;
      if (this.#entries.has(key)) continue;
      this.#entries.set(key, { text, format, content, label });
      isNew = true;
      if (this.#entries.size > KEPT) this.#entries.delete(this.#entries.keys().next().value);
    }
    return isNew;
  }

  /** Newest first. */
  get entries() {
    return [...this.#entries.values()].toReversed();
  }
}

/** A code's text for people: control characters as symbols, and not without end. */
export function shownText(text, most = SHOWN_CHARACTERS) {
  const visible = text.replace(/[\u0000-\u001f\u007f]/g, (control) =>
    control === "\u007f" ? "\u2421" : String.fromCharCode(0x2400 + control.charCodeAt(0)),
  );
  const characters = [...visible];
  return characters.length > most ? `${characters.slice(0, most).join("")}…` : visible;
}

/** The address in a code, if it is one of the web; a code may hold any scheme. */
export function webAddress(text) {
  if (!/^https?:\/\//i.test(text)) return null;
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

export function showCodes(card, list, log) {
  card.hidden = log.entries.length === 0;
  list.replaceChildren(...log.entries.map(itemOf));
}

function itemOf({ text, format, content, label }) {
  const kind = [format ?? label, content].filter(Boolean).join(" · ").replaceAll("_", " ");
  const copy = element("button", { className: "button small", type: "button", textContent: "Copy" });
  copy.addEventListener("click", () => {
    copy.textContent = "Copied";
    copyText(text);
  });
  const head = element("div", { className: "code-head" }, element("span", { className: "quiet", textContent: kind }), copy);
  const item = element("li", {}, head, element("code", { textContent: shownText(text) }));
  item.dataset.text = text;
  const address = webAddress(text);
  if (address) item.append(linkOf(address));
  return item;
}

function linkOf(address) {
  const link = element("a", { href: address.href, target: "_blank", rel: "noopener noreferrer", textContent: address.href });
  const summary = element("summary", { textContent: `A link to ${address.host}` });
  return element("details", {}, summary, element("p", { textContent: "Open only if you trust the code:" }), link);
}
