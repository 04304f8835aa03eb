//! The text and the page of a fixed report.

use std::collections::BTreeMap;

use askama::Template;

use super::page::Page;
use super::text;
use crate::load::capacity::{Boundary, CapacityReport};
use crate::load::report::{
    Advice, Connections, Fairness, FrameCounts, SecondReport, ServerDescription, Share, Summary,
    TrialReport, TrialSummary,
};
use crate::load::{LoadReport, SourceReport};
use crate::report::Machine;

const FRAMES: FrameCounts = FrameCounts {
    due: 100,
    sent: 98,
    not_sent: 2,
    results: 90,
    dropped: 6,
    errors: 1,
    unanswered: 1,
};

fn summary(p50: f64) -> Option<Summary> {
    let (p95, p99, max) = (p50 * 2.0, p50 * 3.0, p50 * 4.0);
    let shares = vec![Share { ms: p50, share: 0.5 }, Share { ms: max, share: 1.0 }];
    Some(Summary { count: 90, mean: p50, p50, p95, p99, max, shares })
}

fn trial(sessions: usize, why_not: Option<&str>) -> TrialSummary {
    TrialSummary {
        sessions,
        fits: why_not.is_none(),
        why_not: why_not.map(str::to_owned),
        frames: FRAMES,
        results_per_s: 9.0,
        age_p99_ms: Some(30.0),
        round_trip_p99_ms: Some(60.0),
    }
}

/// A report of a search.
fn report() -> LoadReport {
    let second = SecondReport {
        results: 45,
        dropped: 3,
        errors: 1,
        unanswered: 0,
        not_sent: 1,
        longest_ms: 80.0,
    };
    LoadReport {
        command: "framegate load 127.0.0.1:8000 --find-capacity".to_owned(),
        partial: false,
        machine: Machine {
            processor: "A processor".to_owned(),
            vector_instructions: "AVX2",
            cores: 2,
            memory_gib: 8.0,
            system: "Linux".to_owned(),
            framegate: "0.0.0",
            optimised: true,
        },
        address: "ws://127.0.0.1:8000/ws/video/stream".to_owned(),
        server: Some(ServerDescription {
            pipeline: "codes".to_owned(),
            backend: "simd".to_owned(),
            device: "2 CPU threads".to_owned(),
        }),
        source: SourceReport {
            description: "built-in images".to_owned(),
            frames: 4,
            mean_bytes: 24_000.0,
        },
        run: TrialReport {
            sessions: 2,
            fps: 5.0,
            seconds: 10.0,
            warm_up_seconds: 2.0,
            follow_advice: false,
            frames: FRAMES,
            results_per_s: 9.0,
            drops: BTreeMap::from([("superseded", 6)]),
            errors: BTreeMap::from([("decode_failed", 1)]),
            advice: Advice {
                slow_down: 2,
                recovered: 1,
                sessions_warned: 1,
                last_recommended_fps: Some(4.5),
            },
            age_ms: summary(10.0),
            round_trip_ms: summary(20.0),
            send_delay_ms: summary(0.5),
            fairness: Fairness { jain_index: Some(0.98), min_results: 40, max_results: 50 },
            connections: Connections {
                refused: 0,
                lost: 1,
                reconnected: 0,
                reasons: BTreeMap::from([("the server closed the session".to_owned(), 1)]),
            },
            per_second: vec![second; 2],
            per_session: vec![FRAMES; 2],
        },
        capacity: Some(CapacityReport {
            sessions: 2,
            fps: 5.0,
            frames_per_s: 10.0,
            boundary: Boundary::Found,
            target_age_ms: 200.0,
            max_lost_share: 0.01,
            trials: vec![trial(2, None), trial(4, Some("2.0 % of the frames got no result"))],
        }),
    }
}

#[test]
fn the_text_of_a_report() {
    let mut text = Vec::new();
    let report = report();
    for (index, trial) in report.capacity.iter().flat_map(|found| &found.trials).enumerate() {
        text::write_trial(&mut text, index + 1, trial).unwrap();
    }
    text::write(&mut text, &report).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap());
}

#[test]
fn the_page_of_a_report() {
    insta::assert_snapshot!(Page::new(&report()).render().unwrap());
}
