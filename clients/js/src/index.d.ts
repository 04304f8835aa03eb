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
  WebSocketClass?: new (url: string) => WebSocketLike;
}

/** What is needed of a WebSocket: a browser's, Node's, and that of the package `ws`. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  // Their events are of classes of their own.
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: any): void;
  close(code?: number, reason?: string): void;
}

/** The bytes of a JPEG. */
export type Frame = ArrayBuffer | ArrayBufferView | Blob;

/** `waiting` is for the next attempt to connect; `closed` is for good. */
export type State = 'connecting' | 'open' | 'waiting' | 'closed';

export interface StateFacts {
  /** Code and reason of the close that led here. */
  code?: number;
  reason?: string;
  /** Of `waiting`: milliseconds until the next attempt. */
  delayMs?: number;
  /** Attempts since a frame was last answered. */
  attempt?: number;
}

/** What befell a single frame. */
export interface Problem {
  /** `invalid_frame`, `frame_too_large`, `decode_failed` or `pipeline_failure`. */
  code: string;
  detail: string;
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
  /** The nature of `text`: identifiers in parentheses, as printed, or each byte as the character of that number. */
  content?: 'gs1' | 'binary';
}

export interface Result {
  /** The frame as it was given to `send`. */
  frame: Frame;
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

/**
 * A failure that connecting again would not mend: wrong options, a wrong path, a page whose origin the server does not
 * admit (`--allow-origin`), or a session that the server has ended for good.
 */
export class StreamError extends Error {}

/** A session that lasts: opened again whenever it is lost. */
export class Connection implements AsyncIterable<Result> {
  private constructor();
  /**
   * Offers a JPEG. It takes the place of a frame that was not sent yet. Throws a `TypeError` for what is not one; for a
   * Blob, which takes time to read, `onproblem` is called.
   */
  send(frame: Frame): void;
  /** Changes options for the frames that follow; `null` is the server's default. Throws a `TypeError` for wrong values. */
  configure(changes: Changes): void;
  /** The newest result that was not received yet; `null` when the connection is closed. Rejects with a `StreamError`. */
  receive(): Promise<Result | null>;
  [Symbol.asyncIterator](): AsyncGenerator<Result, void, void>;
  readonly state: State;
  /** Called with each change of `state`. */
  onstate: ((state: State, facts: StateFacts) => void) | null;
  /** Called with what befell a single frame; the session goes on. */
  onproblem: ((problem: Problem) => void) | null;
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
