// What people write, for the type checker: `tsc --project clients/js/tests`. It is not run.

import { connect, StreamError, type Result } from "../src/index.js";

const connection = connect("ws://localhost:8000", {
  pipelineId: "people",
  classes: { person: 0.6, 2: null },
  conf: 0.4,
  maxDet: 20,
  text: false,
  track: true,
});
connection.send(new Uint8Array(4));
connection.configure({ conf: null, classes: ["person", 2], text: true });

export async function labels(): Promise<string[]> {
  const result: Result | null = await connection.receive();
  for await (const { detections, ageMs, frameIndex } of connection) {
    const sum: number = ageMs + frameIndex + detections.length;
    if (sum > 10) throw new StreamError("too much");
  }
  return result === null ? [] : result.detections.map(({ label, text, content }) => text ?? content ?? label);
}

// @ts-expect-error the option is called maxDet
connect("ws://localhost:8000", { max_det: 20 });
// @ts-expect-error numbers of objects cannot be asked for later
connection.configure({ track: true });
