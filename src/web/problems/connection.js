// Derives the problem to show from how a connection ended.

const SILENT_CLOSE = 4000;
const SERVICE_RESTART = 1012;

/**
 * @param facts       `code` and `reason` of the close
 * @param wasOpen     the session had been greeted
 * @param readyStatus what `/readyz` answers now; 0 where nothing answers
 */
export function connectionProblem({ code, reason }, wasOpen, readyStatus) {
  if (code === SILENT_CLOSE) return { code: "server_silent", facts: {} };
  if (code === SERVICE_RESTART) return { code: "draining", facts: {} };
  if (readyStatus === 503) return { code: "server_starting", facts: {} };
  if (readyStatus === 200 && wasOpen) return { code: "session_ended", facts: { code, reason } };
  // 403: the server does not even answer this under the name by which the page was loaded.
  if (readyStatus === 200 || readyStatus === 403) return { code: "connection_refused", facts: {} };
  return { code: "server_gone", facts: {} };
}
