//! The report as text.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::load::LoadReport;
use crate::load::capacity::{Boundary, CapacityReport};
use crate::load::report::{Advice, Connections, Fairness, Summary, TrialReport, TrialSummary};
use crate::report::{Facts, fact, write_facts};

/// Writes a trial of a search on one line.
pub(super) fn write_trial(
    out: &mut dyn Write,
    number: usize,
    trial: &TrialSummary,
) -> io::Result<()> {
    let sessions = counted(trial.sessions, "session");
    let p99 = trial.round_trip_p99_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"));
    let lost = trial.frames.without_result() as f64 / trial.frames.due as f64 * 100.0;
    let verdict = match &trial.why_not {
        None => "fits".to_owned(),
        Some(why_not) => format!("does not fit: {why_not}"),
    };
    let rate = trial.results_per_s;
    writeln!(
        out,
        "trial {number:>2}: {sessions:>12}, {rate:>7.1} results/s, p99 {p99:>8}, {lost:>5.1} % lost: \
         {verdict}"
    )?;
    out.flush()
}

/// Writes a report, its headline first.
pub(super) fn write(out: &mut dyn Write, report: &LoadReport) -> io::Result<()> {
    if report.partial {
        writeln!(out, "PARTIAL: ended early, after {:.1} s that count", report.run.seconds)?;
    }
    if let Some(capacity) = &report.capacity {
        writeln!(out, "\n{}\n", headline(capacity))?;
    }
    write_facts(out, &facts(report))
}

/// The report, one subject per line.
pub(super) fn facts(report: &LoadReport) -> Facts {
    let run = &report.run;
    let source = &report.source;
    let server = report.server.as_ref().map_or_else(String::new, |server| {
        format!(", pipeline {} on {} ({})", server.pipeline, server.backend, server.device)
    });
    let images = {
        let kilobytes = source.mean_bytes / 1e3;
        format!("{}: {} of {kilobytes:.0} kB", source.description, source.frames)
    };
    let mut facts = Facts::new();
    let mut line = |name: &str, text: String| fact(&mut facts, name, text);
    line("server", format!("{}{server}", report.address));
    line("load", load(run));
    line("images", images);
    line("frames", frames(run));
    line("answers", answers(run));
    for (name, counts) in [("drops", &run.drops), ("errors", &run.errors)] {
        if !counts.is_empty() {
            line(name, by_name(counts));
        }
    }
    line("advice", advice(&run.advice));
    for (name, summary, about) in [
        ("age", &run.age_ms, "as the server measures it"),
        ("round trip", &run.round_trip_ms, "from the moment a frame was due to its result"),
        (
            "send delay",
            &run.send_delay_ms,
            "from the moment a frame was due until it was sent whole",
        ),
    ] {
        line(name, summary.as_ref().map_or_else(|| "-".to_owned(), |s| times(s, about)));
    }
    line("fairness", fairness(&run.fairness));
    line("sessions", sessions(&run.connections));
    for (reason, sessions) in &run.connections.reasons {
        line("", format!("{sessions} x {reason}"));
    }
    facts
}

/// The result of a run, in a sentence.
pub(super) fn run_headline(run: &TrialReport) -> String {
    let sessions = counted(run.sessions, "session");
    let p99 =
        run.round_trip_ms.as_ref().map_or_else(|| "-".to_owned(), |t| format!("{:.0} ms", t.p99));
    format!(
        "{sessions} at {} fps: {:.1} results/s, 99 % of the round trips within {p99}",
        run.fps, run.results_per_s
    )
}

/// The result of a search, in a sentence.
pub(super) fn headline(capacity: &CapacityReport) -> String {
    let CapacityReport { sessions, fps, frames_per_s, target_age_ms, .. } = capacity;
    let within = format!("99 % of the round trips within {target_age_ms} ms, at most 1 % lost");
    match capacity.boundary {
        Boundary::NothingFits => format!("Not even one session at {fps} fps fits ({within})"),
        Boundary::Found => {
            let sessions = counted(*sessions, "session");
            format!("{sessions} at {fps} fps = {frames_per_s} frames/s ({within})")
        }
        Boundary::UpperBound => {
            let sessions = counted(*sessions, "session");
            format!(
                "At least {sessions} at {fps} fps = {frames_per_s} frames/s ({within}); more were not \
                 tried, see --max-sessions"
            )
        }
        Boundary::Stopped => {
            let sessions = counted(*sessions, "session");
            format!("Stopped early: {sessions} at {fps} fps fit so far ({within})")
        }
    }
}

fn load(run: &TrialReport) -> String {
    let advice = if run.follow_advice { "advice followed" } else { "advice ignored" };
    let sessions = counted(run.sessions, "session");
    let warm_up = match run.warm_up_seconds {
        0.0 => String::new(),
        seconds => format!(" after {seconds} s of warm-up"),
    };
    format!("{sessions} at {} fps for {} s{warm_up}, {advice}", run.fps, run.seconds)
}

fn frames(run: &TrialReport) -> String {
    let counts = &run.frames;
    format!("{} due, {} sent, {} not sent", counts.due, counts.sent, counts.not_sent)
}

fn answers(run: &TrialReport) -> String {
    let counts = &run.frames;
    let share = |count| count as f64 / (counts.due as f64).max(1.0) * 100.0;
    format!(
        "{} results ({:.1}/s), {} dropped ({:.1} %), {} errors, {} unanswered",
        counts.results,
        run.results_per_s,
        counts.dropped,
        share(counts.dropped),
        counts.errors,
        counts.unanswered
    )
}

fn by_name(counts: &BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

fn advice(advice: &Advice) -> String {
    let Advice { slow_down, recovered, sessions_warned, last_recommended_fps } = advice;
    let last = match last_recommended_fps {
        Some(fps) => format!(", last recommended {fps:.1} fps"),
        None => String::new(),
    };
    let sessions = counted(*sessions_warned, "session");
    format!("{slow_down} slow_down to {sessions}, {recovered} recovered{last}")
}

fn times(summary: &Summary, about: &str) -> String {
    let Summary { p50, p95, p99, max, .. } = summary;
    format!("p50 {p50:.1}, p95 {p95:.1}, p99 {p99:.1}, max {max:.1} ms, {about}")
}

fn fairness(fairness: &Fairness) -> String {
    let Fairness { jain_index, min_results, max_results } = fairness;
    let index = jain_index.map_or_else(|| "-".to_owned(), |index| format!("{index:.3}"));
    format!("{index} (Jain's index), {min_results} to {max_results} results per session")
}

fn sessions(connections: &Connections) -> String {
    let mut text = match connections.all_well() {
        true => "all open to the end".to_owned(),
        false => format!("{} refused, {} lost", connections.refused, connections.lost),
    };
    if connections.reconnected > 0 {
        text += &format!(", opened again {} times", connections.reconnected);
    }
    text
}

/// `1 session`, `2 sessions`.
pub(super) fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
