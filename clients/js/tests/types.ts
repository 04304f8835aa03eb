// What people write, for the type checker: `tsc --project clients/js/tests`. It is not run.

import { connect, StreamError, type Problem, type Result, type State } from "../src/index.js";

const connection = connect("ws://localhost:8000", {
  pipelineId: "people",
  classes: { person: 0.6, 2: null },
  conf: 0.4,
  maxDet: 20,
  text: false,
  track: true,
});
connection.send(new Uint8Array(4));
connection.send(new Blob([]));
connection.onstate = (state: State, { delayMs, reason }) => console.log(state, delayMs, reason);
connection.onproblem = ({ code, detail }: Problem) => console.log(code, detail);

/** As `@types/ws` declares its class: with events of its own. */
declare class NodeSocket {
  constructor(address: null);
  constructor(address: string | URL, options?: { origin?: string });
  constructor(address: string | URL, protocols?: string | string[], options?: { origin?: string });
  binaryType: "nodebuffer" | "arraybuffer" | "fragments";
  readonly readyState: 0 | 1 | 2 | 3;
  readonly bufferedAmount: number;
  onmessage: ((event: { data: string | Uint8Array; target: NodeSocket }) => void) | null;
  onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null;
  onerror: ((event: { error: any; message: string }) => void) | null;
  send(data: string | Uint8Array, done?: (error?: Error) => void): void;
  close(code?: number, data?: string | Uint8Array): void;
}
connect("ws://localhost:8000", { WebSocketClass: NodeSocket });
connect("ws://localhost:8000", { WebSocketClass: WebSocket });
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
