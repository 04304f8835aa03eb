// The server's description of itself, over HTTP.

const address = (path) => new URL(path, document.baseURI);

async function getJson(path) {
  const response = await fetch(address(path), { cache: "no-store" });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

/** `{ info, pipelines }`; null or empty where the request failed. */
export async function askServer() {
  const [info, listed] = await Promise.allSettled([getJson("info"), getJson("pipelines")]);
  const pipelines = listed.value?.pipelines;
  return { info: info.value ?? null, pipelines: Array.isArray(pipelines) ? pipelines : [] };
}

/** The status of `/readyz`; 0 if nothing answers. */
export async function readyStatus() {
  try {
    return (await fetch(address("readyz"), { cache: "no-store" })).status;
  } catch {
    return 0;
  }
}

export function streamUrl() {
  const url = address("ws/video/stream");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
