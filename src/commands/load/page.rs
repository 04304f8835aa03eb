//! The report as a page.

use askama::Template;

use super::text;
use crate::load::LoadReport;
use crate::load::report::Summary;
use crate::report::chart::{Bar, Bars, Line, Lines, Scale};
use crate::report::{Facts, Machine};

/// Most bars in one chart; the caption says how many sessions are left out.
const MAX_BARS: usize = 64;

/// A page of a report.
#[derive(Template)]
#[template(path = "commands/load/page.html")]
pub(super) struct Page<'a> {
    report: &'a LoadReport,
    machine: &'a Machine,
    headline: String,
    /// The lines of the text report.
    facts: Facts,
    distribution: Lines,
    over_time: Lines,
    longest: Lines,
    sessions: Bars,
    trials: Option<Bars>,
}

impl<'a> Page<'a> {
    pub(super) fn new(report: &'a LoadReport) -> Self {
        Self {
            report,
            machine: &report.machine,
            headline: match &report.capacity {
                Some(capacity) => text::headline(capacity),
                None => text::run_headline(&report.run),
            },
            facts: text::facts(report),
            distribution: distribution(report),
            over_time: over_time(report),
            longest: longest(report),
            sessions: sessions(report),
            trials: trials(report),
        }
    }
}

fn distribution(report: &LoadReport) -> Lines {
    let line = |label: &str, summary: &Option<Summary>| {
        let shares = summary.iter().flat_map(|summary| &summary.shares);
        Line { label: label.to_owned(), points: shares.map(|s| (s.ms, s.share * 100.0)).collect() }
    };
    let lines = vec![
        line("round trip, from the moment a frame was due", &report.run.round_trip_ms),
        line("age, as the server measures it", &report.run.age_ms),
    ];
    let durations = lines.iter().flat_map(|line| &line.points).map(|(ms, _)| *ms);
    Lines {
        caption: "Share of the results that took at most this long".to_owned(),
        horizontal: "milliseconds",
        horizontal_scale: Scale::logarithmic(durations),
        vertical: "% of results",
        vertical_scale: Scale::Linear { from: 0.0, to: 100.0 },
        lines,
    }
}

fn over_time(report: &LoadReport) -> Lines {
    let seconds = &report.run.per_second;
    let line = |label: &str, counts: Vec<u64>| Line {
        label: label.to_owned(),
        points: counts.iter().enumerate().map(|(at, n)| (at as f64, *n as f64)).collect(),
    };
    let lines = vec![
        line("results", seconds.iter().map(|s| s.results).collect()),
        line("dropped", seconds.iter().map(|s| s.dropped).collect()),
        line(
            "errors, unanswered, not sent",
            seconds.iter().map(|s| s.errors + s.unanswered + s.not_sent).collect(),
        ),
    ];
    let counts = lines.iter().flat_map(|line| &line.points).map(|(_, count)| *count);
    Lines {
        caption: "Outcome of the frames that were due in each second".to_owned(),
        horizontal: "seconds",
        horizontal_scale: seconds_scale(report),
        vertical: "frames",
        vertical_scale: Scale::from_zero(counts),
        lines,
    }
}

fn longest(report: &LoadReport) -> Lines {
    let seconds = report.run.per_second.iter().enumerate();
    let points: Vec<(f64, f64)> = seconds.map(|(at, s)| (at as f64, s.longest_ms)).collect();
    Lines {
        caption: "Longest round trip of the frames that were due in each second".to_owned(),
        horizontal: "seconds",
        horizontal_scale: seconds_scale(report),
        vertical: "milliseconds",
        vertical_scale: Scale::from_zero(points.iter().map(|(_, ms)| *ms)),
        lines: vec![Line { label: "longest round trip".to_owned(), points }],
    }
}

fn seconds_scale(report: &LoadReport) -> Scale {
    let last = report.run.per_second.len().saturating_sub(1);
    Scale::from_zero([last as f64].into_iter())
}

fn sessions(report: &LoadReport) -> Bars {
    let per_session = &report.run.per_session;
    let bars = per_session.iter().take(MAX_BARS).enumerate().map(|(number, counts)| Bar {
        label: format!("session {}", number + 1),
        values: [
            counts.results,
            counts.dropped,
            counts.errors + counts.unanswered + counts.not_sent,
        ]
        .map(|count| count as f64)
        .to_vec(),
    });
    let left_out = match per_session.len().saturating_sub(MAX_BARS) {
        0 => String::new(),
        more => format!("; {more} more are in the JSON report"),
    };
    Bars {
        caption: format!("Outcome of the frames of each session{left_out}"),
        unit: "frames",
        parts: ["results", "dropped", "errors, unanswered, not sent"].map(str::to_owned).to_vec(),
        bars: bars.collect(),
    }
}

fn trials(report: &LoadReport) -> Option<Bars> {
    let capacity = report.capacity.as_ref()?;
    let bars = capacity.trials.iter().map(|trial| {
        let verdict = if trial.fits { "fits" } else { "does not fit" };
        Bar {
            label: format!("{}: {verdict}", text::counted(trial.sessions, "session")),
            values: vec![trial.round_trip_p99_ms.unwrap_or(0.0)],
        }
    });
    Some(Bars {
        caption: "p99 of the round trips of each trial, in order".to_owned(),
        unit: "ms",
        parts: Vec::new(),
        bars: bars.collect(),
    })
}
