// What a session asks for, checked before it is sent: a server ends a session for a wrong value.

/** The options that `configure` changes. */
export const CHANGES = ["conf", "iou", "maxDet", "classes", "text"];
/** The options that `connect` takes. */
const KNOWN = [...CHANGES, "pipelineId", "track", "fps", "WebSocketClass"];

/** Refuses options of `connect` that are wrong. */
export function checkOptions(options) {
  refuseUnknown(options, KNOWN);
  const { fps = 30 } = options;
  if (!(Number.isFinite(fps) && fps > 0)) throw new TypeError(`fps must be a number above 0, not ${fps}`);
  checkValues(options);
}

/** The options of `connect` as parameters of the stream. */
export function query({ conf, iou, maxDet, classes, text, track }) {
  const asked = { conf, iou, max_det: maxDet, classes: classes && classList(classes).join(",") };
  if (isGiven(text)) asked.text = text ? "1" : "0";
  if (track) asked.track = "1";
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => isGiven(value)).map(([key, value]) => [key, String(value)]));
}

/** The changes as the server takes them; `null` is its own value. */
export function changesMessage(changes) {
  refuseUnknown(changes, CHANGES);
  checkValues(changes);
  const { maxDet, classes, ...others } = changes;
  if (maxDet !== undefined) others.max_det = maxDet;
  if (classes !== undefined) others.classes = classes === null ? null : classList(classes);
  return others;
}

const isGiven = (value) => (value ?? null) !== null;
const isFraction = (value) => typeof value === "number" && value >= 0 && value <= 1;

function checkValues({ conf, iou, maxDet, classes, text }) {
  for (const [name, value] of Object.entries({ conf, iou })) {
    if (isGiven(value) && !isFraction(value)) throw new TypeError(`${name} must be a number from 0 to 1, not ${value}`);
  }
  if (isGiven(maxDet) && !(Number.isInteger(maxDet) && maxDet >= 1)) {
    throw new TypeError(`maxDet must be a whole number, at least 1, not ${maxDet}`);
  }
  if (isGiven(text) && typeof text !== "boolean") throw new TypeError(`text must be true or false, not ${text}`);
  if (isGiven(classes)) checkClasses(classes);
}

function checkClasses(classes) {
  if (typeof classes !== "object") throw new TypeError(`classes must be a list or an object: [${JSON.stringify(classes)}]`);
  if (Object.keys(classes).length === 0) throw new TypeError("classes names no class: leave it out for all, or pass null");
  if (Array.isArray(classes)) return;
  for (const [name, own] of Object.entries(classes)) {
    if (own !== null && !isFraction(own)) throw new TypeError(`the lowest score of "${name}" must be from 0 to 1, not ${own}`);
  }
}

/** An option that is ignored would look as if it held. */
function refuseUnknown(options, known) {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`there is no option "${unknown}" here, only ${known.join(", ")}`);
}

/** `["person", 2]` or `{ person: 0.6, 2: null }`, as the server takes them. */
function classList(classes) {
  if (Array.isArray(classes)) return classes;
  return Object.entries(classes).map(([name, own]) => (own === null ? name : `${name}:${own}`));
}
