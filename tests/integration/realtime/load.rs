//! The search for a server's capacity, held against servers whose capacity is known.

use std::time::Duration;

use framegate::client::Target;
use framegate::load::capacity::{self, Boundary};
use framegate::load::frames::{FrameSource, Frames};
use framegate::load::report::TrialPlan;
use framegate_backend_null::NullBackend;
use tokio_util::sync::CancellationToken;

use crate::support::server::{Setup, TestServer};

/// The upper bound of the first bucket of the server's histogram of ages that holds this share.
fn age_bucket(server: &TestServer, share: f64) -> f64 {
    let count = server.metric("framegate_frame_age_seconds_count");
    (0..16)
        .map(|power| 0.0005 * f64::from(1 << power))
        .find(|bound| {
            let series = format!("framegate_frame_age_seconds_bucket{{le=\"{bound:?}\"}}");
            server.metric(&series) >= share * count
        })
        .expect("no result is older than 16 seconds")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes two minutes of a quiet machine; scripts/check runs it"]
async fn a_known_capacity_is_found() {
    // 50 runs a second, of one frame each: 25 sessions at 2 fps.
    let backend = NullBackend::new("latency_ms=20".parse().unwrap());
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    setup.front.sessions.recommended = 100;
    let server = TestServer::start(&backend, setup).await;
    let target = Target::parse(&server.address.to_string(), None).unwrap();
    let frames = Frames::read(&FrameSource::BuiltIn).unwrap();
    let plan = TrialPlan {
        sessions: 1,
        fps: 2.0,
        duration: Duration::from_secs(6),
        warm_up: Duration::from_secs(2),
        follow_advice: false,
        reconnect: false,
    };
    let age = Duration::from_millis(200);
    let stop = CancellationToken::new();
    let (found, _) = capacity::find(&target, &frames, plan, age, 64, &mut (), &stop).await.unwrap();
    println!(
        "{} sessions, {} frames/s, {} trials",
        found.sessions,
        found.frames_per_s,
        found.trials.len()
    );
    assert_eq!(found.boundary, Boundary::Found);
    assert!((found.frames_per_s / 50.0 - 1.0).abs() <= 0.05, "{}", found.frames_per_s);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a few seconds of a quiet machine; scripts/check runs it"]
async fn ages_agree_with_those_of_the_server() {
    let backend = NullBackend::new("latency_ms=20".parse().unwrap());
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    let server = TestServer::start(&backend, setup).await;
    let target = Target::parse(&server.address.to_string(), None).unwrap();
    let frames = Frames::read(&FrameSource::BuiltIn).unwrap();
    let plan = TrialPlan {
        sessions: 4,
        fps: 10.0,
        duration: Duration::from_secs(6),
        warm_up: Duration::ZERO,
        follow_advice: false,
        reconnect: false,
    };
    let stop = CancellationToken::new();
    let trial = framegate::load::trial::run(&target, &frames, &plan, &mut (), &stop).await.unwrap();
    let p99 = trial.report.age_ms.unwrap().p99 / 1000.0;
    let bucket = age_bucket(&server, 0.99);
    println!("p99 {p99} s, in the server's bucket up to {bucket} s");
    assert!(p99 > bucket / 4.0 && p99 <= bucket * 2.0, "{p99} and {bucket}");
    server.stop().await;
}
