// The words shown when something goes wrong: what happened, and what to do about it.

/**
 * Each has a `title` (what happened), an `advice` (what to do), and what `retry` does:
 *   source   opens the image source again
 *   connect  connects to the server again
 *   reload   loads the page again
 */
const WORDS = {
  camera_denied: () => ({
    title: "The camera is not allowed",
    advice:
      "This page asked for the camera and was refused. Allow it in the browser (the camera " +
      "icon beside the address) or in the system's privacy settings, then retry. The demo, a video " +
      "file and images need no permission.",
    retry: "source",
  }),
  camera_in_use: () => ({
    title: "The camera is in use",
    advice: "Another program or tab holds the camera. Close it there, then retry.",
    retry: "source",
  }),
  camera_absent: () => ({
    title: "No camera was found",
    advice:
      "Plug one in and retry, or choose a video file or images: they need no camera.",
    retry: "source",
  }),
  camera_lost: () => ({
    title: "The camera was disconnected",
    advice: "It was unplugged, or its permission was withdrawn. Reconnect or allow it, then retry.",
    retry: "source",
  }),
  camera_failed: ({ detail }) => ({
    title: "The camera could not be started",
    advice: `The browser says: “${detail}”. Choose another camera or size, then retry.`,
    retry: "source",
  }),
  insecure_origin: ({ origin }) => ({
    title: "Browsers do not allow the camera at this address",
    advice:
      `${origin} is not a secure origin. Open the page over https, or through a tunnel to ` +
      "localhost (ssh -L 8080:localhost:8080 and your server's name). The demo, a video file and " +
      "images work here as well.",
    retry: "source",
  }),
  video_unplayable: ({ name }) => ({
    title: `“${name}” cannot be played`,
    advice: "The browser does not know its format. MP4 with H.264 and WebM play almost everywhere. Choose another file.",
    retry: "source",
  }),
  image_unreadable: ({ name }) => ({
    title: `“${name}” is not an image that the browser can read`,
    advice: "JPEG, PNG and WebP work everywhere. Choose another file.",
    retry: "source",
  }),
  server_gone: () => ({
    title: "The server cannot be reached",
    advice:
      "It was stopped, or the network in between is down. The page keeps trying; if the server does " +
      "not come back by itself, start it again with “framegate serve”.",
    retry: "connect",
  }),
  server_silent: () => ({
    title: "The server stopped answering",
    advice: "Frames were sent but nothing came back, so the page closed the connection. It reconnects by itself.",
    retry: "connect",
  }),
  server_starting: () => ({
    title: "The server is not ready",
    advice: "It is loading its model, or is about to stop. The page keeps trying.",
    retry: "connect",
  }),
  connection_refused: () => ({
    title: "The server refused the connection",
    advice:
      "It is running but accepts no further session: most likely it has reached its limit, or it does " +
      "not allow this page's origin. The page keeps trying.",
    retry: "connect",
  }),
  draining: () => ({
    title: "The server is shutting down",
    advice: "It finishes the frames it has. The page reconnects as soon as a server is back.",
    retry: "connect",
  }),
  invalid_pipeline: ({ pipeline, known }) => ({
    title: `The server has no pipeline “${pipeline}”`,
    advice: known.length > 0 ? `It has: ${known.join(", ")}. Retry takes the first of them.` : "Retry asks for its default one.",
    retry: "connect",
  }),
  invalid_frame: ({ detail }) => ({
    title: "The server refused a frame",
    advice: `It says: “${detail}”. Something in between damages frames, or the browser encodes them incorrectly. Retry starts a new session.`,
    retry: "connect",
  }),
  frame_too_large: ({ detail, size, limit }) => ({
    title: "A frame was too large",
    advice:
      (detail ? `The server says: “${detail}”. ` : `It has ${megabytes(size)}, and the server takes ${megabytes(limit)}. `) +
      "Choose a smaller size or a lower quality, then retry.",
    retry: "source",
  }),
  decode_failed: ({ detail }) => ({
    title: "The server could not read a frame",
    advice: `It says: “${detail}”. The stream goes on. If this persists, choose another source or retry.`,
    retry: "connect",
  }),
  pipeline_failure: () => ({
    title: "The server failed on a frame",
    advice: "The cause is in the server's log. The stream goes on. If this persists, retry or choose another pipeline.",
    retry: "connect",
  }),
  backend_changed: ({ backend, device }) => ({
    title: "The server lost its device",
    advice: `The backend ${backend} on ${device} has taken its place, and the stream goes on. The cause is in the server's log.`,
    retry: "connect",
  }),
  session_ended: ({ code, reason }) => ({
    title: "The server ended the session",
    advice: `It closed the connection with code ${code}${reason ? ` (“${reason}”)` : ""}. Retry starts a new one.`,
    retry: "connect",
  }),
  version_mismatch: () => ({
    title: "This page and the server do not speak the same version",
    advice: "The server's greeting is not the one this page expects. It was probably updated while the page was open: reload the page.",
    retry: "reload",
  }),
  message_unknown: () => ({
    title: "The server sent a message that this page does not know",
    advice: "Page and server are probably of different versions: reload the page. The messages are in the log.",
    retry: "reload",
  }),
  answer_unmatched: ({ index }) => ({
    title: "An answer does not belong to any frame",
    advice: `The server answered frame ${index}, which is not in flight. Page and server are probably of different versions: reload the page.`,
    retry: "reload",
  }),
};

const RETRY_LABELS = { source: "Retry", connect: "Retry now", reload: "Retry: reload the page" };

/** @returns {{code, title, advice, retry, retryLabel}} for any code, also one not known here. */
export function describeProblem(code, facts = {}) {
  const words = WORDS[code] ?? otherError(code);
  const described = words(facts);
  return { code, ...described, retryLabel: RETRY_LABELS[described.retry] };
}

/** The same problem, when the page plays the demo until there is a camera. */
export function withDemoPlaying(problem) {
  return { ...problem, advice: `Until then the demo is playing. ${problem.advice}`, isDemoPlaying: true };
}

const otherError = (code) => ({ detail }) => ({
  title: `The server reports “${code}”`,
  advice: `It says: “${detail}”. Retry starts a new session.`,
  retry: "connect",
});

const megabytes = (bytes) => `${(bytes / 1_048_576).toFixed(1)} MB`;
