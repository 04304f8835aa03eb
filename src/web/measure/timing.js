// Where the time between the camera and the screen goes.

export const STAGES = ["decode", "resize", "normalise", "inference", "postprocess"];

/**
 * Splits glass to glass in three. All times in milliseconds of the page's own clock, except the
 * server's `ageMs`, which is a duration, so the two clocks need not agree.
 *
 * @param moments `capturedAt`, `sentAt`, `receivedAt`, `paintedAt`
 */
export function splitGlassToGlass({ capturedAt, sentAt, receivedAt, paintedAt }, ageMs) {
  const network = Math.max(receivedAt - sentAt - ageMs, 0);
  return {
    browser: sentAt - capturedAt + (paintedAt - receivedAt),
    network,
    server: receivedAt - sentAt - network,
    total: paintedAt - capturedAt,
  };
}

/** The server's time in its stages, and what is left of `age_ms`: waiting for its turn. */
export function splitServerTime(timings = {}, ageMs) {
  const parts = Object.fromEntries(STAGES.map((stage) => [stage, numberOr(timings[stage], 0)]));
  const worked = Object.values(parts).reduce((total, part) => total + part, 0);
  return { waiting: Math.max(numberOr(ageMs, worked) - worked, 0), ...parts };
}

/** The means of objects that hold the same keys; {} of none. */
export function meanOfEach(objects) {
  const keys = Object.keys(objects[0] ?? {});
  const mean = (key) => objects.reduce((total, object) => total + object[key], 0) / objects.length;
  return Object.fromEntries(keys.map((key) => [key, mean(key)]));
}

const numberOr = (value, otherwise) => (Number.isFinite(value) ? value : otherwise);
