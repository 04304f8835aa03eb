//! Ten minutes of sessions that come and go under overload, on demand:
//!
//! ```sh
//! cargo test --workspace --test integration soak -- --ignored --nocapture
//! ```

use std::time::{Duration, Instant};

use bytes::Bytes;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use tokio::task::JoinSet;

use crate::support::colours::COLOURS;
use crate::support::images::plain;
use crate::support::server::{Setup, TestServer};
use crate::support::tally::{Streaming, stream};

const SESSIONS: usize = 20;
const FPS: f64 = 10.0;

/// Bytes of memory this process holds, clients and server together; 0 where that cannot be found out.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes ten minutes; run it on demand"]
async fn twenty_sessions_come_and_go_at_three_times_the_capacity() {
    let minutes = std::env::var("FRAMEGATE_SOAK_MINUTES").ok();
    let minutes = minutes.map_or(10.0, |minutes| minutes.parse::<f64>().unwrap());
    let end = Instant::now() + Duration::from_secs_f64(60.0 * minutes);
    // 200 frames per second arrive, 67 can be run: batches of up to four in 60 ms.
    let call = Call { latency: Duration::from_millis(60), outcome: Outcome::Success };
    let backend = FakeBackend::new([], call, std::thread::sleep);
    let mut setup = Setup::colours();
    setup.engine.max_batch = 4;
    setup.front.sessions.recommended = SESSIONS;
    let server = TestServer::start(&backend, setup).await;
    let frame: Bytes = plain(320, 240, COLOURS[1].1).into();

    let mut random = fastrand::Rng::with_seed(1);
    let mut sessions = JoinSet::new();
    let (mut ended, mut results, mut dropped) = (0, 0, 0);
    let mut after_a_minute = None;
    let mut peak = 0;
    let mut next_line = Instant::now();
    while Instant::now() < end || !sessions.is_empty() {
        while sessions.len() < SESSIONS && Instant::now() < end {
            let client = server.connect("").await;
            let duration = Duration::from_secs_f64(1.0 + 14.0 * random.f64());
            sessions.spawn(stream(client, Streaming::steady(&frame, FPS, duration)));
        }
        if let Some(tally) = sessions.join_next().await {
            let tally = tally.unwrap();
            tally.assert_accounted();
            assert_eq!((tally.failed(), tally.closed), (0, None));
            ended += 1;
            results += tally.results().count();
            dropped += tally.dropped().count();
        }
        let resident = resident_bytes();
        let running = 60.0 * minutes - end.saturating_duration_since(Instant::now()).as_secs_f64();
        if running >= 60.0 {
            after_a_minute.get_or_insert(resident);
            peak = peak.max(resident);
        }
        if Instant::now() >= next_line {
            next_line += Duration::from_secs(30);
            println!(
                "{running:.0} s: {ended} sessions ended, {results} results, {dropped} dropped, \
                 {:.1} MB resident",
                resident as f64 / 1e6
            );
        }
    }
    let mut waited = 0;
    while server.metric("framegate_sessions_active") > 0.0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        waited += 1;
        assert!(waited < 500, "a session was leaked");
    }
    let start = after_a_minute.unwrap_or(peak);
    println!(
        "in all: {ended} sessions, {results} results, {dropped} dropped; {:.1} MB after a minute, \
         {:.1} MB at most",
        start as f64 / 1e6,
        peak as f64 / 1e6
    );
    assert!(
        peak <= start + start / 10 + 8_000_000,
        "memory has grown from {start} to {peak} bytes"
    );
    server.stop().await;
}
