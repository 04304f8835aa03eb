// How far an analysis is, in words and as a share.

const percent = (share) => `${Math.floor(100 * share)} %`;

/** `share` is null where it is not known. */
export function describeProgress({ state, uploaded = 0, done = 0, frames = null, seconds = 0 }) {
  if (state === "uploading") return { text: `Uploading · ${percent(uploaded)}`, share: uploaded };
  if (state === "waiting") return { text: "Waiting for its turn", share: null };
  const count = frames ? `${done} of ${frames} frames` : `${done} frames`;
  if (state === "done") return { text: `Done · ${done} frames`, share: 1 };
  if (state === "cancelled") return { text: `Cancelled after ${done} frames`, share: null };
  if (state === "failed") return { text: `Failed after ${done} frames`, share: null };
  const rate = seconds > 0 ? done / seconds : 0;
  const left = frames && rate > 0 ? ` · ${Math.ceil((frames - done) / rate)} s left` : "";
  const speed = rate > 0 ? ` · ${rate.toFixed(1)} frames per second` : "";
  return { text: `${count}${speed}${left}`, share: frames ? Math.min(done / frames, 1) : null };
}

