/** Labels or class numbers; as an object, each with a lowest score of its own or `null`. */
export type Classes = (string | number)[] | Record<string, number | null>;

export interface Options {
  /** By default the server's first. */
  pipelineId?: string;
  /** Lowest score of a detection, 0 to 1. */
  conf?: number;
  /** Overlap above which the lower-scoring of two boxes is dropped, 0 to 1. */
  iou?: number;
  classes?: Classes;
  /** Most detections per frame. */
  maxDet?: number;
  /** Whether codes are read, and boxes by a second model; by default as the pipeline is set. */
  text?: boolean;
  /** Whether detections carry `track_id`. */
  track?: boolean;
  /** Most frames per second; fewer are sent if the server asks for fewer. By default 30. */
  fps?: number;
  /** For Node before 22, which has no WebSocket of its own. */
  WebSocketClass?: new (url: string) => WebSocket;
}

export interface Detection {
  label: string;
  class_id: number;
  score: number;
  /** Left edge, top edge, width and height, in pixels of the frame. */
  x: number;
  y: number;
  w: number;
  h: number;
  track_id?: number;
  keypoints?: [number, number, number][];
  mask?: { size: [number, number]; counts: number[] };
  angle?: number;
  corners?: [number, number][];
  /** What was read in the box: a code, or by a second model. */
  text?: string;
  /** The symbology of a code. */
  format?: string;
  /** The nature of a code's text where it is not text as such. */
  content?: 'gs1' | 'binary';
}

export interface Result {
  /** The frame as it was given to `send`. */
  frame: ArrayBuffer | Uint8Array;
  frameIndex: number;
  width: number;
  height: number;
  detections: Detection[];
  /** Milliseconds in each stage. */
  timings: Record<string, number>;
  /** Milliseconds from the frame's arrival at the server to its result. */
  ageMs: number;
}

export interface Changes {
  conf?: number | null;
  iou?: number | null;
  classes?: Classes | null;
  maxDet?: number | null;
  text?: boolean | null;
}

/** A failure that connecting again would not mend. */
export class StreamError extends Error {}

/** A session that lasts: opened again whenever it is lost. */
export class Connection implements AsyncIterable<Result> {
  private constructor();
  /** Offers the bytes of a JPEG. It takes the place of a frame that was not sent yet. */
  send(bytes: ArrayBuffer | Uint8Array): void;
  /** Changes options for the frames that follow; `null` is the server's default. */
  configure(changes: Changes): void;
  /** The newest result that was not received yet; `null` when the connection is closed. */
  receive(): Promise<Result | null>;
  [Symbol.asyncIterator](): AsyncGenerator<Result, void, void>;
  readonly session: Record<string, unknown> | null;
  readonly counts: {
    sent: number;
    results: number;
    dropped: number;
    failed: number;
    refused: number;
    lost: number;
    replaced: number;
  };
  readonly inFlight: number;
  readonly fps: number;
  close(): void;
}

/** Opens a session with a server: `ws://host:8000`, or the same with `http`. */
export function connect(url: string, options?: Options): Connection;
