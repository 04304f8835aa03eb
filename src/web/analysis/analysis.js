// Every frame of a video file: upload, progress, boxes over the file, summary, downloads.

import { byId, element, setText } from "../view/dom.js";
import { showFound } from "../view/found.js";
import { coco, csv, jsonLines } from "./exports.js";
import { Job, JobProblem } from "./job.js";
import { Player } from "./player.js";
import { describeProgress } from "./progress.js";
import { showSummary } from "./show-summary.js";
import { Summary } from "./summary.js";
import { Timeline } from "./timeline.js";

const REFRESH_MS = 250;

const DOWNLOADS = {
  jsonl: { type: "application/x-ndjson", text: jsonLines },
  csv: { type: "text/csv", text: csv },
  coco: { type: "application/json", text: coco, suffix: "coco.json" },
};

export class Analysis {
  #player;
  #job = null;
  #run = null;

  constructor({ clock = () => performance.now() } = {}) {
    this.clock = clock;
    this.#player = new Player({
      root: byId("analysis-player"),
      video: byId("analysis-video"),
      canvas: byId("analysis-boxes"),
      onFrame: (found) => showFound(byId("analysis-found"), found),
    });
    byId("analysis-cancel").addEventListener("click", () => this.cancel());
    for (const button of document.querySelectorAll("[data-download]")) {
      button.addEventListener("click", () => this.#download(button.dataset.download));
    }
    addEventListener("pagehide", () => this.cancel());
    setInterval(() => this.#refresh(), REFRESH_MS);
  }

  async start(file, pipeline) {
    this.cancel();
    const job = new Job();
    const run = { file, state: "uploading", uploaded: 0, done: 0, frames: null, startedAt: null, messages: [], summary: new Summary(), timeline: new Timeline(), problem: "" };
    this.#job = job;
    this.#run = run;
    byId("analysis").hidden = false;
    byId("analysis-summary").replaceChildren();
    this.#player.open(file, run.timeline);
    this.#refresh();
    try {
      await job.submit(file, pipeline, (share) => (run.uploaded = share));
      if (!job.isCancelled) run.state = "waiting";
      for await (const message of job.lines()) {
        if (job.isCancelled) break;
        this.#take(run, message);
      }
    } catch (error) {
      if (!(error instanceof JobProblem)) throw error;
      run.state = "failed";
      run.problem = error.message;
    }
    this.#refresh();
  }

  #take(run, message) {
    run.messages.push(message);
    if (message.video) run.frames = message.video.frames;
    else if (message.done) run.state = "done";
    else if (message.frame_index === undefined) Object.assign(run, { state: "failed", problem: message.detail });
    else {
      run.state = "running";
      run.startedAt ??= this.clock();
      run.done += 1;
      run.summary.add(message);
      if (message.result) run.timeline.add(message);
    }
  }

  cancel() {
    if (!this.#isUnderWay) return;
    this.#job.cancel();
    this.#run.state = "cancelled";
    this.#refresh();
  }

  get #isUnderWay() {
    return ["uploading", "waiting", "running"].includes(this.#run?.state);
  }

  #refresh() {
    const run = this.#run;
    if (!run || byId("analysis").hidden) return;
    const seconds = run.startedAt === null ? 0 : (this.clock() - run.startedAt) / 1000;
    const { text, share } = describeProgress({ ...run, seconds });
    byId("analysis").dataset.state = run.state;
    setText(byId("analysis-state"), run.problem ? `${text}: ${run.problem}` : text);
    const bar = byId("analysis-bar");
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
    bar.hidden = !this.#isUnderWay;
    byId("analysis-cancel").hidden = !this.#isUnderWay;
    for (const button of document.querySelectorAll("[data-download]")) button.disabled = run.done === 0;
    if (run.shown === run.done) return;
    run.shown = run.done;
    showSummary(byId("analysis-summary"), run.summary, (timeMs) => this.#show(timeMs));
    this.#player.refresh();
  }

  #show(timeMs) {
    byId("analysis-video").currentTime = timeMs / 1000;
  }

  #download(kind) {
    const { file, messages } = this.#run;
    const { type, text, suffix = kind } = DOWNLOADS[kind];
    const url = URL.createObjectURL(new Blob([text(messages, file.name)], { type }));
    element("a", { href: url, download: `${file.name.replace(/\.[^.]*$/, "")}.${suffix}` }).click();
    // The browser has begun to read it by then.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}
