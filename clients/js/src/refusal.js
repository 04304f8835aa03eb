// Why a server refuses a session. A WebSocket does not say: it is asked by plain requests.

const STREAM = "/ws/video/stream";
/** Trying again does not change these answers. */
const PERMANENT = [400, 403, 404];
/** Of an answer that is about a session's options; a request without an image is otherwise refused for that. */
const ABOUT_OPTIONS = ["invalid_query", "invalid_pipeline"];
/** Longer than this a server that is well does not take. */
const PATIENCE_MS = 5000;

/**
 * @param url of the stream, with the options as its query
 * @returns {Promise<string|null>} why it will always be refused; `null` if that may pass, or is not known
 */
export async function permanentRefusal(url) {
  const stream = new URL(url);
  stream.protocol = stream.protocol === "wss:" ? "https:" : "http:";
  try {
    const path = await ask(stream);
    // The address is right if this asks for a WebSocket.
    if (path.status !== 426) return PERMANENT.includes(path.status) ? inWords(path) : null;
    if (!stream.pathname.endsWith(STREAM)) return null;
    // The same options are those of a single image.
    stream.pathname = `${stream.pathname.slice(0, -STREAM.length)}/infer`;
    const options = await ask(stream, { method: "POST" });
    return options.status === 400 && ABOUT_OPTIONS.includes(options.error) ? inWords(options) : null;
  } catch {
    return (await hidesItsAnswers(stream)) ? originRefused() : null;
  }
}

async function ask(url, request = {}) {
  const response = await fetch(url, { ...request, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  const { error, detail } = await response.json().catch(() => ({}));
  return { status: response.status, error, detail };
}

/** Whether a server answers, but a browser keeps that from this page. */
async function hidesItsAnswers(url) {
  if (!globalThis.location) return false;
  try {
    await fetch(url, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    return true;
  } catch {
    return false;
  }
}

const inWords = ({ status, detail }) => `the server refused the connection: ${status} ${detail ?? ""}`.trim();

function originRefused() {
  const { origin } = globalThis.location;
  return `the server does not answer pages of ${origin}: start it with --allow-origin ${origin}`;
}
