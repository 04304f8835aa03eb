// The page put together: a source feeds the capture, the capture feeds the session, the session's
// answers go to the stage and its numbers to the panel.

import { Analysis } from "./analysis/analysis.js";
import { MessageLog } from "./measure/log.js";
import { Measurements } from "./measure/measurements.js";
import { report } from "./measure/report.js";
import { connectionProblem } from "./problems/connection.js";
import { describeProblem, withDemoPlaying } from "./problems/words.js";
import { askServer, readyStatus, streamUrl } from "./server.js";
import { listCameras } from "./source/camera.js";
import { Capture } from "./source/capture.js";
import { SourceKeeper } from "./source/choose.js";
import { Encoder } from "./source/encoder.js";
import { RateControl } from "./stream/rate.js";
import { StreamSession } from "./stream/session.js";
import { showAdvice } from "./view/advice.js";
import { Controls } from "./view/controls.js";
import { copyText } from "./view/copy.js";
import { byId } from "./view/dom.js";
import { CodeLog, showCodes } from "./view/codes.js";
import { showFound } from "./view/found.js";
import { Notices } from "./view/notices.js";
import { Panel } from "./view/panel.js";
import { Stage } from "./view/stage.js";
import { showStatus } from "./view/status.js";

const PANEL_MS = 250;
/** A notice about a frame goes away after this many good answers. */
const ANSWERS_TO_FORGET = 20;
/** Problems that retrying at once cannot solve: the demo plays until there is a camera. */
const NO_CAMERA_HERE = ["camera_absent", "insecure_origin"];

const WAITING_FOR = {
  camera: "Allow the camera when the browser asks",
  video: "Choose a video file below, or drop one here",
  stills: "Choose images below, or drop some here",
};

const clock = () => performance.now();

export class App {
  #measurements = new Measurements();
  #log = new MessageLog();
  #encoder = new Encoder();
  #sources = new SourceKeeper();
  #panel = new Panel();
  #analysis = new Analysis();
  #controls;
  #rate;
  #stage;
  #notices;
  #session;
  #capture;
  #pipeline = null;
  #server = { info: null, pipelines: [] };
  #greeting = null;
  #state = { name: "connecting", facts: {} };
  #isDraining = false;
  #answersSinceProblem = 0;
  #foundShown = null;
  #codes = new CodeLog();

  constructor() {
    this.#controls = new Controls({
      source: (kind) => this.#openSource(kind),
      run: () => (this.#isRunning ? this.#stop() : this.#run()),
      rate: () => this.#applyRate(),
      view: (name) => (this.#stage.view = name),
      track: () => this.#isRunning && this.#connect(this.#pipeline),
      pipeline: (id) => this.#connect(id),
      settings: () => this.#reopenSource(),
      analyse: (file) => this.#analyse(file),
    });
    this.#rate = new RateControl(this.#controls.rate);
    this.#stage = new Stage({
      root: byId("stage"),
      canvas: byId("image"),
      caption: byId("caption"),
      emptyText: byId("stage-empty-text"),
      onPainted: ({ frame, message }) => this.#painted(frame, message),
    });
    this.#notices = new Notices(byId("notices"), {
      retry: (problem) => this.#retry(problem),
      playDemo: () => this.#openSource("demo"),
    });
    this.#session = new StreamSession({
      url: streamUrl(),
      rate: this.#rate,
      measurements: this.#measurements,
      handlers: {
        state: (name, facts) => this.#stateChanged(name, facts),
        greeting: (session) => this.#greeted(session),
        answer: (frame, message) => this.#answered(frame, message),
        advice: (kind) => this.#advised(kind),
        problem: (code, facts) => this.#frameProblem(code, facts),
        message: (kind, text) => this.#log.add(kind, text),
      },
    });
    this.#capture = new Capture({
      encoder: this.#encoder,
      rate: (now) => this.#rate.rate(now),
      isWanted: () => this.#greeting !== null && !this.#isDraining,
      onFrame: (frame) => this.#session.offer(frame),
    });
    byId("copy").addEventListener("click", () => copyText(JSON.stringify(this.#report(), null, 2)));
  }

  async start({ source, pipeline }) {
    setInterval(() => this.#refresh(), PANEL_MS);
    showFound(byId("found"), null);
    this.#panel.showServer({ ...this.#server, session: null });
    this.#connect(pipeline);
    const problem = await this.#openSource(source ?? "camera");
    if (source === null && NO_CAMERA_HERE.includes(problem?.code)) {
      await this.#openSource("demo");
      this.#notices.show("source", withDemoPlaying(problem));
    }
  }

  // The image source

  /** Resolves to the problem that was shown, or to undefined. */
  async #openSource(kind) {
    this.#capture.stop();
    this.#stage.showNothing(WAITING_FOR[kind] ?? "");
    this.#controls.showSource(kind);
    this.#notices.clear("source");
    try {
      const source = await this.#sources.open(kind, {
        files: this.#controls.filesFor(kind),
        deviceId: this.#controls.deviceId,
        size: this.#controls.size,
        onProblem: (problem) => this.#sourceLost(problem),
      });
      if (source) await this.#showSource(kind, source);
    } catch ({ code, facts }) {
      const problem = { ...describeProblem(code, facts), sourceKind: kind };
      this.#stage.showNothing("No image");
      this.#notices.show("source", problem);
      return problem;
    }
    if (this.#state.name === "stopped") this.#connect(this.#pipeline);
    this.#controls.showRunning(this.#isRunning);
    return undefined;
  }

  async #showSource(kind, source) {
    this.#stage.show(source);
    this.#capture.start(source, () => this.#imageSettings());
    if (kind === "camera") this.#controls.showCameras(await listCameras(), source.deviceId);
  }

  #sourceLost(problem) {
    this.#capture.stop();
    this.#sources.close();
    this.#stage.showNothing("No image");
    this.#notices.show("source", describeProblem(problem.code, problem.facts));
  }

  #reopenSource() {
    if (this.#isRunning) this.#openSource(this.#sources.kind);
  }

  #imageSettings() {
    const { width, height } = this.#controls.size;
    // A camera delivers the requested size, or the nearest that it supports.
    const longestSide = this.#sources.kind === "camera" ? Infinity : Math.max(width, height);
    return { longestSide, quality: this.#controls.quality };
  }

  /** Live streams come first on a server, this page's among them: it stops. */
  #analyse(file) {
    if (this.#isRunning) this.#stop();
    this.#analysis.start(file, this.#pipeline);
  }

  // The connection

  get #isRunning() {
    return this.#state.name !== "stopped";
  }

  #run() {
    this.#connect(this.#pipeline);
    this.#openSource(this.#sources.kind);
    this.#controls.showRunning(true);
  }

  #stop() {
    this.#capture.stop();
    this.#sources.close();
    this.#stage.showNothing("Stopped");
    this.#session.close();
    this.#notices.clear("connection");
    this.#controls.showRunning(false);
  }

  #connect(pipeline) {
    this.#pipeline = pipeline;
    this.#session.open(pipeline, this.#controls.tracks ? { track: "1" } : {});
  }

  #stateChanged(name, facts) {
    const wasOpen = this.#state.name === "open";
    this.#state = { name, facts: { ...facts, retryAt: clock() + (facts.delayMs ?? 0) } };
    if (name !== "open") this.#forgetSession();
    if (name === "waiting") this.#explainLoss(facts, wasOpen);
    // An error that came first has already said why.
    if (name === "closed" && facts.code && wasOpen) this.#showConnectionProblem("session_ended", facts);
    this.#refresh();
  }

  #forgetSession() {
    this.#greeting = null;
    this.#isDraining = false;
    this.#stage.forgetAnswer();
    this.#foundShown = null;
    showFound(byId("found"), null);
  }

  async #explainLoss(facts, wasOpen) {
    const { code, facts: more } = connectionProblem(facts, wasOpen, await readyStatus());
    if (this.#state.name === "waiting") this.#showConnectionProblem(code, more);
  }

  #showConnectionProblem(code, facts) {
    this.#notices.show("connection", describeProblem(code, facts));
  }

  async #greeted(session) {
    this.#greeting = session;
    this.#pipeline = session.pipeline_id;
    this.#notices.clear("connection");
    await this.#askServer();
  }

  async #askServer() {
    const answer = await askServer();
    this.#server = { info: answer.info ?? this.#server.info, pipelines: answer.pipelines };
    this.#controls.showPipelines(this.#server.pipelines, this.#pipeline);
    this.#panel.showServer({ ...this.#server, session: this.#greeting });
  }

  // Answers

  #answered(frame, message) {
    this.#answersSinceProblem += 1;
    if (this.#answersSinceProblem === ANSWERS_TO_FORGET) this.#notices.clear("frames");
    this.#stage.showAnswer(frame, message);
  }

  #painted(frame, message) {
    const ageMs = Number.isFinite(message.age_ms) ? message.age_ms : null;
    this.#measurements.painted({ ...frame, paintedAt: clock() }, ageMs);
    this.#foundShown = message;
  }

  #advised(kind) {
    if (kind === "draining") {
      this.#isDraining = true;
      this.#showConnectionProblem("draining", {});
    }
    this.#refresh();
  }

  async #frameProblem(code, facts) {
    if (code === "version_mismatch") return this.#showConnectionProblem(code, facts);
    if (code === "invalid_pipeline") return this.#explainUnknownPipeline();
    this.#answersSinceProblem = 0;
    this.#notices.show("frames", describeProblem(code, facts));
  }

  async #explainUnknownPipeline() {
    const pipeline = this.#pipeline;
    await this.#askServer();
    const known = this.#server.pipelines.map(({ id }) => id);
    this.#showConnectionProblem("invalid_pipeline", { pipeline, known });
  }

  #retry({ code, retry, sourceKind = this.#sources.kind }) {
    if (retry === "reload") location.reload();
    else if (retry === "source") this.#openSource(sourceKind);
    else this.#connect(code === "invalid_pipeline" ? (this.#server.pipelines[0]?.id ?? null) : this.#pipeline);
  }

  // Display

  #applyRate() {
    this.#rate.want(this.#controls.rate);
    this.#rate.locked = this.#controls.isLocked;
    this.#refresh();
  }

  #statusName() {
    if (this.#state.name !== "open") return this.#state.name;
    if (this.#isDraining) return "draining";
    if (this.#rate.state === "slowed" && !this.#rate.locked) return "slowed";
    return this.#measurements.recent(clock()).result_fps > 0 ? "live" : "open";
  }

  #refresh() {
    const now = clock();
    const { facts } = this.#state;
    showStatus(this.#statusName(), { ...facts, now, rate: this.#rate.rate(now) });
    showAdvice(this.#rate, now);
    this.#panel.update({ measurements: this.#measurements, inFlight: this.#session.inFlight, log: this.#log, now });
    if (this.#foundShown) this.#showFound(this.#foundShown);
    this.#foundShown = null;
  }

  #showFound(message) {
    showFound(byId("found"), message);
    // Only what is new, so that a button that somebody is about to press stays where it is.
    if (this.#codes.note(message.result.detections)) showCodes(byId("codes-card"), byId("codes"), this.#codes);
  }

  #report() {
    return report({
      measurements: this.#measurements,
      rate: this.#rate,
      inFlight: this.#session.inFlight,
      info: this.#server.info,
      session: this.#greeting,
      status: this.#statusName(),
      source: { kind: this.#sources.kind, size: this.#sources.current?.size ?? null, ...this.#imageSettings() },
      encoder: this.#encoder.where,
      log: this.#log,
      now: clock(),
    });
  }
}
