// Copies text to the clipboard. Where the browser offers no clipboard (a page that is not on a secure
// origin), shows the text, selected, to be copied by hand.

import { byId, setText } from "./dom.js";

export async function copyText(text) {
  const area = byId("copy-text");
  try {
    await navigator.clipboard.writeText(text);
    area.hidden = true;
    setText(byId("copied"), "Copied");
  } catch {
    area.hidden = false;
    area.value = text;
    area.select();
    setText(byId("copied"), "Press Ctrl+C to copy");
  }
}
