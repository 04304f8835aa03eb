// Where the time between the camera and the screen goes.

/** The parts of the server's time that are always shown, in order. Further stages follow as they arrive. */
export const SERVER_PARTS = ["waiting", "decode", "resize", "normalise", "inference", "postprocess"];

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

/**
 * The server's time by stage, and what is left of `age_ms`: waiting.
 *
 * @param timings `timings_ms` of a result: any stages, known here or not, and their `total`
 */
export function splitServerTime({ total, ...stages } = {}, ageMs) {
  const known = Object.fromEntries(SERVER_PARTS.map((part) => [part, 0]));
  const spent = Object.entries(stages).filter(([, time]) => Number.isFinite(time));
  const worked = spent.reduce((sum, [, time]) => sum + time, 0);
  const waiting = Number.isFinite(ageMs) ? Math.max(ageMs - worked, 0) : 0;
  return { ...known, ...Object.fromEntries(spent), waiting };
}

/** The mean of each key; an object without it counts as 0. {} without objects. */
export function meanOfEach(objects) {
  const keys = new Set(objects.flatMap(Object.keys));
  const mean = (key) => objects.reduce((sum, object) => sum + (object[key] ?? 0), 0) / objects.length;
  return Object.fromEntries([...keys].map((key) => [key, mean(key)]));
}
