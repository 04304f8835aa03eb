// Problems with an image source; for a camera, derived from what the browser throws.

const CODES = {
  NotAllowedError: "camera_denied",
  SecurityError: "camera_denied",
  NotReadableError: "camera_in_use",
  AbortError: "camera_in_use",
  NotFoundError: "camera_absent",
};

export class SourceProblem extends Error {
  constructor(code, facts = {}) {
    super(code);
    Object.assign(this, { code, facts });
  }
}

export function cameraProblem(error) {
  const code = CODES[error?.name] ?? "camera_failed";
  return new SourceProblem(code, { detail: error?.message || error?.name || String(error) });
}
