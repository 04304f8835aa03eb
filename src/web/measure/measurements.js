// All measurements, in one place: the panel, the charts and the copied JSON read them.

import { Series } from "./series.js";
import { Tally } from "./tally.js";
import { meanOfEach, splitGlassToGlass, splitServerTime } from "./timing.js";
import { median, quantile, RollingWindow } from "./window.js";

const RECENT_MS = 3000;

export class Measurements {
  tally = new Tally();
  charts = {
    fps: new Series({ summarise: (values) => values.length }),
    age: new Series({ summarise: median }),
    roundTrip: new Series({ summarise: median }),
  };
  #sent = new RollingWindow(RECENT_MS);
  #results = new RollingWindow(RECENT_MS);
  #ages = new RollingWindow(RECENT_MS);
  #roundTrips = new RollingWindow(RECENT_MS);
  #serverTimes = new RollingWindow(RECENT_MS);
  #glassToGlass = new RollingWindow(RECENT_MS);

  sent(now) {
    this.tally.sent += 1;
    this.#sent.add(null, now);
  }

  result({ roundTripMs, ageMs, timings }, now) {
    this.tally.result(now);
    this.charts.fps.add(null, now);
    this.charts.roundTrip.add(roundTripMs, now);
    this.#results.add(null, now);
    this.#roundTrips.add(roundTripMs, now);
    if (ageMs === null) return;
    this.charts.age.add(ageMs, now);
    this.#ages.add(ageMs, now);
    this.#serverTimes.add(splitServerTime(timings, ageMs), now);
  }

  painted(moments, ageMs) {
    if (ageMs === null) return;
    this.#glassToGlass.add(splitGlassToGlass(moments, ageMs), moments.paintedAt);
  }

  connectionEnded(lost) {
    this.tally.connectionEnded(lost);
    for (const recent of [this.#sent, this.#results]) recent.clear();
  }

  /** The last few seconds in numbers; null or {} where nothing was measured. */
  recent(now) {
    return {
      sent_fps: this.#sent.perSecond(now),
      result_fps: this.#results.perSecond(now),
      drop_rate: this.tally.dropRate(now),
      age_ms: spread(this.#ages.values(now)),
      round_trip_ms: spread(this.#roundTrips.values(now)),
      server_ms: meanOfEach(this.#serverTimes.values(now)),
      glass_to_glass_ms: meanOfEach(this.#glassToGlass.values(now)),
    };
  }
}

const spread = (values) => ({ median: median(values), p95: quantile(values, 0.95) });
