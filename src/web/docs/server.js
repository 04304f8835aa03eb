// Requests to this server.

const address = (path) => new URL(path, document.baseURI);

export async function getJson(path) {
  const response = await fetch(address(path), { cache: "no-store" });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

/** Sends one JPEG to POST /infer: `{ status, timing, body }`, the body as indented JSON. */
export async function postJpeg(file, pipeline) {
  const url = address("infer");
  if (pipeline) url.searchParams.set("pipeline_id", pipeline);
  const headers = { "content-type": "image/jpeg" };
  const response = await fetch(url, { method: "POST", headers, body: file });
  return {
    status: `${response.status} ${response.statusText}`.trim(),
    timing: (response.headers.get("server-timing") ?? "").replaceAll(";dur=", " "),
    body: indented(await response.text()),
  };
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
