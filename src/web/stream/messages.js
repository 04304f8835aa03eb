// Parses the server's messages and classifies them by shape. Unknown keys are ignored: the protocol may
// add some. A message of unknown shape is `unknown`, never an exception.

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const isFrameIndex = (value) => Number.isInteger(value) && value > 0;

function isDetection(value) {
  return isObject(value) && ["x", "y", "w", "h", "score", "class_id"].every((key) => isNumber(value[key]));
}

function isResult(message) {
  const { result } = message;
  return (
    isFrameIndex(message.frame_index) &&
    isObject(result) &&
    isNumber(result.width) &&
    isNumber(result.height) &&
    Array.isArray(result.detections) &&
    result.detections.every(isDetection)
  );
}

function kindOf(message) {
  if (isObject(message.session)) return "greeting";
  if (isResult(message)) return "result";
  if (message.dropped === true && isFrameIndex(message.frame_index)) return "drop";
  if (message.warning === "slow_down" && isNumber(message.recommended_fps)) return "slow_down";
  if (message.notice === "recovered") return "recovered";
  if (message.notice === "draining") return "draining";
  if (message.notice === "backend_changed") return "backend_changed";
  if (typeof message.error === "string") return "error";
  return "unknown";
}

/** @returns {{kind: string, message: object|null}} `message` is null if the text is not a JSON object. */
export function readMessage(text) {
  let message = null;
  try {
    message = JSON.parse(text);
  } catch {
    // Falls through: text that is not JSON has an unknown shape.
  }
  if (!isObject(message)) return { kind: "unknown", message: null };
  return { kind: kindOf(message), message };
}
