// Shows the server's advice and how the page follows it.

import { byId, setText } from "./dom.js";
import { perSecond } from "./numbers.js";

export function showAdvice(rate, now) {
  const target = byId("advice");
  const isIgnored = rate.locked && rate.state !== "steady";
  target.dataset.advice = isIgnored ? "ignored" : rate.state;
  setText(target, adviceText(rate, now, isIgnored));
}

function adviceText(rate, now, isIgnored) {
  const recommended = perSecond(rate.recommended);
  if (isIgnored) return `The server recommends ${recommended} fps; locked at ${perSecond(rate.wanted)}`;
  const sending = `sending ${perSecond(rate.rate(now))} of ${perSecond(rate.wanted)} fps`;
  if (rate.state === "slowed") return `Slow down: the server recommends ${recommended} fps; ${sending}`;
  if (rate.state === "climbing") return `Recovered, the server recommends ${recommended} fps; ${sending}, climbing`;
  return `No advice from the server; ${sending}`;
}
