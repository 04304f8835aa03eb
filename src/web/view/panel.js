// The measurements, refreshed a few times per second.

import { SERVER_PARTS } from "../measure/timing.js";
import { StackedBar } from "./bars.js";
import { Chart } from "./chart.js";
import { byId, element, fillTerms, setText } from "./dom.js";
import { Gauge } from "./gauge.js";
import { breakdown, count, milliseconds, percent, perSecond } from "./numbers.js";

const CHARTS = [
  { name: "fps", title: "Answered frames per second" },
  { name: "age", title: "Age when answered", unit: "ms" },
  { name: "roundTrip", title: "Round trip", unit: "ms" },
];
const LOG_SHOWN = 40;

export class Panel {
  #charts = CHARTS.map((chart) => new Chart(chart));
  #glass = new StackedBar(byId("glass"), ["browser", "network", "server"]);
  #stages = new StackedBar(byId("stages"), SERVER_PARTS);
  #gauge = new Gauge(byId("gauge"));

  constructor() {
    byId("charts").replaceChildren(...this.#charts.map((chart) => chart.root));
  }

  showServer({ info, session }) {
    const { drop, slow_down: slowDown } = info?.thresholds ?? {};
    this.#gauge.setThresholds(
      Object.fromEntries(Object.entries({ pace: drop, "slow down": slowDown }).filter(([, share]) => Number.isFinite(share))),
    );
    setText(byId("version"), info?.version ? `v${info.version}` : "");
    fillTerms(byId("connection"), connectionFacts(info, session));
  }

  update({ measurements, inFlight, log, now }) {
    const recent = measurements.recent(now);
    const values = {
      fps: perSecond(recent.result_fps),
      age: milliseconds(recent.age_ms.median),
      roundTrip: milliseconds(recent.round_trip_ms.median),
    };
    CHARTS.forEach(({ name }, at) => this.#charts[at].update(measurements.charts[name].points(now), values[name]));
    this.#glass.update(recent.glass_to_glass_ms);
    this.#stages.update(recent.server_ms);
    setText(byId("glass-total"), milliseconds(recent.glass_to_glass_ms.total));
    setText(byId("stages-total"), milliseconds(sumOf(recent.server_ms)));
    this.#gauge.update(recent.drop_rate);
    setText(byId("drop-rate"), percent(recent.drop_rate ?? undefined));
    fillTerms(byId("counts"), countsOf(measurements.tally, inFlight));
    if (byId("log-details").open) showLog(log);
  }
}

function countsOf(tally, inFlight) {
  const { sent, results, dropped, failed, refused, lost } = tally.totals;
  const withReasons = (total, counts) => (total > 0 ? `${count(total)} (${breakdown(counts)})` : "0");
  return [
    ["Sent", count(sent)],
    ["Results", count(results)],
    ["Dropped", withReasons(dropped, tally.dropped)],
    ["Failed", withReasons(failed, tally.failed)],
    ["Refused", withReasons(refused, tally.refused)],
    ["Lost with a connection", count(lost)],
    ["In flight", count(inFlight)],
    ["Never sent, link full", count(tally.keptBack)],
  ];
}

function connectionFacts(info, session) {
  const limit = session?.max_frame_bytes ?? info?.limits?.max_frame_bytes;
  const input = session?.input;
  const facts = {
    Backend: session?.backend ?? info?.backend,
    Device: session?.device ?? info?.device,
    Pipeline: session?.pipeline_id,
    Model: info?.pipelines?.find?.((pipeline) => pipeline.id === session?.pipeline_id)?.model,
    Finds: labelsText(session?.labels),
    "Model input": input ? `${input.width} × ${input.height}` : undefined,
    "Largest frame": Number.isFinite(limit) ? `${(limit / 1_048_576).toFixed(1)} MB` : undefined,
    Session: session?.session_id,
  };
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => [name, String(value)]);
}

function labelsText(labels) {
  if (!Array.isArray(labels)) return undefined;
  const more = labels.length - 6;
  return labels.slice(0, 6).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function showLog(log) {
  const entries = log.entries.slice(-LOG_SHOWN).reverse();
  byId("log").replaceChildren(
    ...entries.map(({ at, kind, text }) => {
      const item = element("li", {}, element("time", { textContent: at.slice(11, 23) }), element("b", { textContent: kind }), element("code", { textContent: text }));
      item.dataset.kind = kind;
      return item;
    }),
  );
}

const sumOf = (times) => {
  const values = Object.values(times);
  return values.length > 0 ? values.reduce((total, value) => total + value, 0) : undefined;
};
