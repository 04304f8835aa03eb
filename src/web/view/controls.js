// The form below the image.

import { byId, element, setText } from "./dom.js";

/** @param handlers `source(kind, files)`, `run()`, `rate()`, `view(name)`, `track()`, `pipeline(id)`, `settings()`, `analyse(file)` */
export class Controls {
  #files = { video: [], stills: [] };

  constructor(handlers) {
    const on = (id, event, react) => byId(id).addEventListener(event, react);
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    on("sources", "change", (event) => {
      this.showSource(event.target.value);
      handlers.source(event.target.value);
    });
    on("run", "click", handlers.run);
    on("analyse", "click", () => handlers.analyse(this.#files.video[0]));
    on("rate", "input", () => {
      setText(byId("rate-value"), byId("rate").value);
      handlers.rate();
    });
    on("lock", "change", handlers.rate);
    on("view", "change", () => handlers.view(byId("view").value));
    on("track", "change", handlers.track);
    on("pipeline", "change", () => handlers.pipeline(byId("pipeline").value));
    on("camera", "change", handlers.settings);
    on("size", "change", handlers.settings);
    on("video-file", "change", (event) => this.takeFiles(event.target.files, handlers));
    on("stills-files", "change", (event) => this.takeFiles(event.target.files, handlers));
    this.#acceptDrops(handlers);
  }

  get rate() {
    return Number(byId("rate").value);
  }

  get isLocked() {
    return byId("lock").checked;
  }

  get tracks() {
    return byId("track").checked;
  }

  get deviceId() {
    return byId("camera").value;
  }

  get quality() {
    return Number(byId("quality").value);
  }

  get size() {
    const [width, height] = byId("size").value.split("x").map(Number);
    return { width, height };
  }

  filesFor(kind) {
    return this.#files[kind] ?? [];
  }

  showSource(kind) {
    for (const radio of document.querySelectorAll("input[name=source]")) radio.checked = radio.value === kind;
    for (const part of document.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== kind;
  }

  showRunning(isRunning) {
    setText(byId("run"), isRunning ? "Stop" : "Start");
  }

  showCameras(cameras, chosen) {
    const options = cameras.map(({ deviceId, label }) => new Option(label, deviceId, false, deviceId === chosen));
    byId("camera").replaceChildren(...(options.length > 0 ? options : [new Option("Any camera", "")]));
  }

  showPipelines(pipelines, chosen) {
    byId("pipeline").replaceChildren(
      ...pipelines.map(({ id, name }) => element("option", { value: id, textContent: name || id, selected: id === chosen })),
    );
  }

  /** One video, or any number of images, according to the files' types. */
  takeFiles(list, handlers) {
    const files = [...list];
    const kind = files.some((file) => file.type.startsWith("image/")) ? "stills" : "video";
    const taken = kind === "video" ? files.slice(0, 1) : files.filter((file) => file.type.startsWith("image/"));
    if (taken.length === 0) return;
    this.#files[kind] = taken;
    byId("analyse").disabled = this.#files.video.length === 0;
    const names = taken.map((file) => file.name).join(", ");
    setText(byId(kind === "video" ? "video-name" : "stills-names"), names);
    this.showSource(kind);
    handlers.source(kind);
  }

  #acceptDrops(handlers) {
    const isOver = (yes) => document.body.classList.toggle("dropping", yes);
    addEventListener("dragover", (event) => {
      event.preventDefault();
      isOver(true);
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && isOver(false));
    addEventListener("drop", (event) => {
      event.preventDefault();
      isOver(false);
      this.takeFiles(event.dataTransfer.files, handlers);
    });
  }
}
