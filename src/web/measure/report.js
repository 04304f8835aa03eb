// Everything the panel shows, as one object to copy into an issue.

export function report({ measurements, rate, inFlight, info, session, status, source, encoder, log, now }) {
  const { tally } = measurements;
  return {
    taken_at: new Date().toISOString(),
    status,
    server: info,
    session,
    source,
    encoder,
    rate: {
      wanted_fps: rate.wanted,
      sending_fps: rate.rate(now),
      locked: rate.locked,
      advice: rate.state,
      recommended_fps: rate.recommended,
    },
    frames: {
      ...tally.totals,
      in_flight: inFlight,
      never_sent: tally.keptBack,
      dropped_by_reason: tally.dropped,
      failed_by_code: tally.failed,
      refused_by_code: tally.refused,
    },
    recent: measurements.recent(now),
    last_minute: Object.fromEntries(
      Object.entries(measurements.charts).map(([name, series]) => [name, series.points(now)]),
    ),
    messages: log.entries,
  };
}
