// Formats numbers for people; a dash if there is none.

const NONE = "–";
const isNumber = (value) => Number.isFinite(value);

export function milliseconds(value) {
  if (!isNumber(value)) return NONE;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export const perSecond = (value) => (isNumber(value) ? value.toFixed(1) : NONE);

export function percent(share) {
  return isNumber(share) ? `${Math.round(share * 100)} %` : NONE;
}

export const count = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");

/** The counts of a closed set, largest first: “busy 12, stale 1”. */
export function breakdown(counts) {
  const parts = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return parts.map(([name, value]) => `${name} ${count(value)}`).join(", ");
}
