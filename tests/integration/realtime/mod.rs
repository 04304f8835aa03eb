//! Flow control once more, with a real server, real sockets and real time. The same scenarios run
//! without any of these in `flow`.
//!
//! They take minutes and want the machine for themselves, so `scripts/check` runs them on their own,
//! one after another. Where time is measured, it is held against times that the server itself
//! measured, with room for a busy machine.

mod cameras;
mod load;

use std::time::Duration;

use bytes::Bytes;
use framegate::backends::{self, BackendId, BackendOptions};
use framegate::front::admission::DropThresholds;
use framegate_backend_api::{Backend, BackendError, DeviceInfo, Limits, Model, Session};
use framegate_models::Detector;
use framegate_models::detector::LoadOptions;
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::colours::{COLOURS, colour_detector};
use crate::support::images::plain;
use crate::support::server::{Setup, TestServer};
use crate::support::tally::{Streaming, Tally, stream};
use crate::support::{test_data, video};

/// Longest that a busy machine is thought to keep a ready thread waiting, once in a while.
const HICCUP_MS: f64 = 300.0;

fn image() -> Bytes {
    plain(64, 48, COLOURS[0].1).into()
}

fn slow(latency: Duration) -> FakeBackend {
    let call = Call { latency, outcome: Outcome::Success };
    FakeBackend::new([], call, std::thread::sleep)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Prints what a scenario came to.
fn report(name: &str, tally: &Tally) {
    let results = tally.results().count();
    let dropped = tally.dropped().count();
    println!(
        "{name}: sent {}, results {results}, dropped {dropped}, failed {}, age p50 {:.0} p99 {:.0} \
         max {:.0} ms, warnings {:?}, recovered {:?}",
        tally.sent,
        tally.failed(),
        tally.age_ms(0.5),
        tally.age_ms(0.99),
        tally.age_ms(1.0),
        tally.warnings,
        tally.recovered,
    );
}

/// The typical time spent on a frame, in milliseconds.
fn service_ms(tally: &Tally) -> f64 {
    let mut totals: Vec<f64> = tally.results().map(|(_, _, total)| total).collect();
    totals.sort_by(f64::total_cmp);
    totals[totals.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute of a quiet machine; scripts/check runs it"]
async fn overload() {
    let server = TestServer::start(&slow(Duration::from_millis(100)), Setup::colours()).await;
    let client = server.connect("").await;
    let tally = stream(client, Streaming::steady(&image(), 30.0, seconds(60))).await;
    report("overload", &tally);
    tally.assert_accounted();
    let results = tally.results().count();
    assert!(results >= 9 * 60, "{results}");
    let bound = 2.0 * service_ms(&tally) + 1000.0 / 30.0;
    let late = tally.results().filter(|(_, age, _)| *age > bound).count();
    assert!(late * 100 <= results, "{late} of {results} results are older than {bound} ms");
    assert!(tally.age_ms(1.0) <= bound + HICCUP_MS, "{}", tally.age_ms(1.0));
    assert!(tally.warnings[0].0 < seconds(2), "{:?}", tally.warnings[0]);
    for pair in tally.warnings.windows(2) {
        // Two seconds when they are sent; they may not be on the way for equally long.
        assert!(pair[1].0 - pair[0].0 > Duration::from_millis(1800), "{pair:?}");
    }
    for (_, fps, _) in &tally.warnings {
        assert!((8.5..=11.5).contains(fps), "{fps}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute of a quiet machine; scripts/check runs it"]
async fn obedience() {
    let server = TestServer::start(&slow(Duration::from_millis(100)), Setup::colours()).await;
    let client = server.connect("").await;
    let streaming = Streaming {
        follows_advice_after: seconds(5),
        ..Streaming::steady(&image(), 30.0, seconds(25))
    };
    let tally = stream(client, streaming).await;
    report("obedience", &tally);
    tally.assert_accounted();
    let obeyed = tally.warnings.iter().map(|(at, ..)| *at).find(|at| *at >= seconds(5));
    let obeyed = obeyed.expect("a warning is repeated");
    assert_eq!(tally.recovered.len(), 1, "{:?}", tally.recovered);
    let recovered = tally.recovered[0];
    assert!(recovered > obeyed && recovered < obeyed + seconds(3), "{obeyed:?} {recovered:?}");
    let since = obeyed + seconds(3);
    let drops = tally.dropped().filter(|(at, _)| *at > since).count();
    let results = tally.results().filter(|(at, ..)| *at > since).count();
    assert!(drops * 20 <= results, "{drops} drops beside {results} results");
    assert!(tally.warnings.iter().all(|(at, ..)| *at <= obeyed), "{:?}", tally.warnings);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a quarter of a minute of a quiet machine; scripts/check runs it"]
async fn one_stall() {
    let call = |milliseconds| Call {
        latency: Duration::from_millis(milliseconds),
        outcome: Outcome::Success,
    };
    // The first call is the engine's own; at 30 fps the stall comes after five seconds.
    let script = (0..150).map(|_| call(5)).chain([call(1000)]);
    let backend = FakeBackend::new(script, call(5), std::thread::sleep);
    let server = TestServer::start(&backend, Setup::colours()).await;
    let client = server.connect("").await;
    let tally = stream(client, Streaming::steady(&image(), 30.0, seconds(15))).await;
    report("one stall", &tally);
    tally.assert_accounted();
    let drops: Vec<Duration> = tally.dropped().map(|(at, _)| at).collect();
    assert!((20..=35).contains(&drops.len()), "{} drops", drops.len());
    let (first, last) = (drops[0], drops[drops.len() - 1]);
    assert!(last - first < Duration::from_millis(1200), "drops from {first:?} to {last:?}");
    let after = tally.results().filter(|(at, ..)| *at > last).count();
    assert!(after >= 30 * 8, "{after} results after the stall");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a quarter of a minute of a quiet machine; scripts/check runs it"]
async fn thresholds() {
    // A run takes almost as long as two frames: 44 % are more than there is room for.
    let run = async |thresholds| {
        let mut setup = Setup::colours();
        setup.front.thresholds = thresholds;
        let server = TestServer::start(&slow(Duration::from_millis(60)), setup).await;
        let client = server.connect("").await;
        let tally = stream(client, Streaming::steady(&image(), 30.0, seconds(4))).await;
        tally.assert_accounted();
        server.stop().await;
        tally
    };
    let never = run(DropThresholds { drop: 1.0, slow_down: 1.0 }).await;
    report("thresholds 1/1", &never);
    assert!(never.warnings.is_empty());
    assert!(never.dropped().any(|(_, reason)| reason == "pacing"), "it is overrun all the same");
    let default = run(DropThresholds { drop: 0.1, slow_down: 0.3 }).await;
    report("thresholds 0.1/0.3", &default);
    assert!(!default.warnings.is_empty());
    let at_once = run(DropThresholds { drop: 0.0, slow_down: 0.0 }).await;
    report("thresholds 0/0", &at_once);
    // It needs ten frames to know a rate, and the first drop to exceed it.
    assert!(at_once.warnings[0].0 < Duration::from_millis(500), "{:?}", at_once.warnings[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a quarter of a minute of a quiet machine; scripts/check runs it"]
async fn fairness() {
    let backend = slow(Duration::from_secs_f64(1.0 / 60.0));
    let server = TestServer::start(&backend, Setup::colours()).await;
    let mut sessions = JoinSet::new();
    for number in 0..10 {
        let client = server.connect("").await;
        let fps = if number == 0 { 60.0 } else { 5.0 };
        let streaming = Streaming::steady(&image(), fps, seconds(15));
        sessions.spawn(async move { (number, stream(client, streaming).await) });
        tokio::time::sleep(Duration::from_millis(21)).await;
    }
    for (number, tally) in sessions.join_all().await {
        report(&format!("fairness, session {number}"), &tally);
        tally.assert_accounted();
        let results = tally.results().count() as u64;
        if number == 0 {
            assert!(results > 8 * 15, "the greedy one has what is left: {results}");
        } else {
            assert!(results * 100 >= tally.sent * 95, "{results} of {}", tally.sent);
        }
    }
    server.stop().await;
}

/// Name of the model that always fails.
const BROKEN: &str = "broken";

/// Runs of 5 ms, and no more than one that succeeds of the model named [`BROKEN`].
struct PartlyBroken;

impl Backend for PartlyBroken {
    fn name(&self) -> &'static str {
        "partly broken"
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        ReferenceBackend.probe()
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        let call = |outcome| Call { latency: Duration::from_millis(5), outcome };
        let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
        let rest = if model.name == BROKEN { Outcome::Failure(lost) } else { Outcome::Success };
        FakeBackend::new([call(Outcome::Success)], call(rest), std::thread::sleep)
            .load(model, limits)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute of a quiet machine; scripts/check runs it"]
async fn isolation() {
    let healthy = async |server: &TestServer| {
        let client = server.connect("").await;
        stream(client, Streaming::steady(&image(), 15.0, seconds(10))).await
    };
    let mut setup = Setup::colours();
    let mut broken = colour_detector();
    broken.model.name = BROKEN.to_owned();
    setup.pipelines.push((BROKEN.to_owned(), broken));
    let server = TestServer::start(&PartlyBroken, setup).await;
    let alone = healthy(&server).await;
    report("isolation, alone", &alone);

    let mut others = JoinSet::new();
    // One that cannot be decoded, one that is not a frame, one that fails in the model.
    for (query, frame, fps) in [
        ("", Bytes::from_static(b"\xFF\xD8 no image \xFF\xD9"), 100.0),
        ("", Bytes::from_static(b"\xFF\xD8 junk"), 2.5),
        ("pipeline_id=broken", image(), 30.0),
    ] {
        let client = server.connect(query).await;
        others.spawn(stream(client, Streaming::steady(&frame, fps, seconds(12))));
    }
    // One that never reads, and many that vanish in the middle of a frame.
    let mut deaf = server.connect("").await;
    let frame = image();
    others.spawn(async move {
        for _ in 0..200 {
            deaf.send(frame.clone()).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Tally::default()
    });
    let address = server.address;
    others.spawn(async move {
        loop {
            let mut connection = Client::connect(address, "").await.into_connection();
            connection.write_all(&[0x82, 0xFE, 0x10, 0, 0, 0, 0, 0, 0xFF, 0xD8]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let beside = healthy(&server).await;
    report("isolation, beside others", &beside);
    for tally in [&alone, &beside] {
        tally.assert_accounted();
        assert!(tally.results().count() as u64 * 100 >= tally.sent * 97, "{}", tally.sent);
    }
    let (p50, before) = (beside.age_ms(0.5), alone.age_ms(0.5));
    // Its frame may wait for one of another session that is being run, and for one that is next.
    assert!(p50 <= before + 3.0 * service_ms(&alone), "{p50} ms instead of {before}");
    drop(others);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a quarter of a minute of a quiet machine; scripts/check runs it"]
async fn many_sessions_are_batched_together() {
    let mut setup = Setup::colours();
    setup.engine.max_batch = 8;
    let server = TestServer::start(&slow(Duration::from_millis(40)), setup).await;
    let mut sessions = JoinSet::new();
    for _ in 0..8 {
        let client = server.connect("").await;
        sessions.spawn(stream(client, Streaming::steady(&image(), 30.0, seconds(10))));
    }
    let mut results = 0;
    for tally in sessions.join_all().await {
        report("batched", &tally);
        tally.assert_accounted();
        results += tally.results().count();
    }
    let runs = server.metric("framegate_batch_size_count");
    println!("{results} results of {runs} runs");
    assert!(results as f64 > 4.0 * runs, "most runs are of many frames");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a few seconds of a quiet machine; scripts/check runs it"]
async fn what_fits_is_served_whole() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let client = server.connect("").await;
    let tally = stream(client, Streaming::steady(&image(), 30.0, seconds(5))).await;
    report("no load", &tally);
    tally.assert_accounted();
    assert!(tally.warnings.is_empty());
    assert!(tally.results().count() as u64 * 100 >= tally.sent * 97);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute of a quiet machine; scripts/check runs it"]
async fn videos_at_their_own_rate() {
    let Some(folder) = test_data() else { return };
    let options = BackendOptions::default();
    let flex: BackendId = "flex".parse().unwrap();
    let flex = backends::select(Some(&flex), &options).unwrap();
    for (name, start, fps, label) in
        [("one-by-one-person-detection", 8, 10, "person"), ("bottle-detection", 0, 30, "bottle")]
    {
        let path = folder.join(format!("video/{name}.mp4"));
        let Some(frames) = video::frames(&path, start, fps, fps * 10) else { return };
        let load = LoadOptions { labels: None, input_size: None };
        let model = folder.join("models/yolox_nano.onnx");
        let mut setup = Setup::colours();
        setup.front.max_frame_bytes = 1 << 20;
        setup.pipelines = vec![("coco".to_owned(), Detector::load(&model, &load).unwrap())];
        let server = TestServer::start(&*flex.backend, setup).await;
        let streaming = Streaming {
            frames: frames.into_iter().map(Bytes::from).collect(),
            ..Streaming::steady(&Bytes::new(), fps as f64, seconds(10))
        };
        let tally = stream(server.connect("").await, streaming).await;
        report(name, &tally);
        println!("{:?}", tally.labels);
        tally.assert_accounted();
        let results = tally.results().count();
        assert!(results >= 10, "{results}");
        let found = tally.labels.get(label).copied().unwrap_or(0);
        assert!(found * 10 >= results * 9, "{label} in {found} of {results}");
        server.stop().await;
    }
}
