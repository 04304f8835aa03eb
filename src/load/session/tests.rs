//! Sessions against a scripted server, over a pipe, on simulated time.

use std::future::Future;

use futures_util::stream::SplitSink;
use tokio::io::{DuplexStream, duplex};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::*;
use crate::load::recorder::{SessionCounts, Window};

type Socket = WebSocketStream<DuplexStream>;
type ServerSink = SplitSink<Socket, Frame>;

const FPS: f64 = 10.0;
const SECONDS: u64 = 10;

fn result(frame_index: u64) -> String {
    format!(r#"{{"frame_index":{frame_index},"result":{{}},"age_ms":1.0}}"#)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Runs a session of ten seconds at 10 fps against `server`; returns how it ended and what was recorded.
async fn run_with<F: Future<Output = ()> + Send + 'static>(
    follow_advice: bool,
    server: impl FnOnce(Socket) -> F,
) -> (Result<(), SessionFailure>, Recorder) {
    run_until(CancellationToken::new(), follow_advice, server).await
}

/// The same, until `stop` is cancelled.
async fn run_until<F: Future<Output = ()> + Send + 'static>(
    stop: CancellationToken,
    follow_advice: bool,
    server: impl FnOnce(Socket) -> F,
) -> (Result<(), SessionFailure>, Recorder) {
    let (ours, theirs) = duplex(4096);
    let ours = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
    let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
    tokio::spawn(server(theirs));
    let window = Window { from: Instant::now(), length: Duration::from_secs(SECONDS) };
    let plan = SessionPlan {
        number: 0,
        schedule: SendSchedule::spread(window.from, FPS, 0, 1),
        end: window.end(),
        fps: FPS,
        follow_advice,
        max_frame_bytes: Some(2000),
    };
    let recorder = SharedRecorder::new(Recorder::new(1, window));
    let frames = std::iter::repeat(Bytes::from(vec![0; 1000]));
    let Ended { outcome, rest } = run(ours, plan, frames, recorder.clone(), stop, None).await;
    recorder.lock().gone(0, rest);
    let recorder = recorder.into_inner();
    let counts = &recorder.sessions[0];
    let SessionCounts { due, sent, not_sent, results, unanswered, drops, errors, .. } = counts;
    let answered = results + drops.values().sum::<u64>() + errors.values().sum::<u64>();
    assert_eq!(*due, sent + not_sent, "{counts:?}");
    assert_eq!(*sent, answered + unanswered, "{counts:?}");
    (outcome, recorder)
}

/// Waits for the next frame; `false` at the end.
async fn hears(
    stream: &mut (impl Stream<Item = Result<Frame, tungstenite::Error>> + Unpin),
) -> bool {
    matches!(stream.next().await, Some(Ok(Frame::Binary(_))))
}

async fn says(sink: &mut ServerSink, text: impl Into<String>) {
    let _ = sink.send(Frame::text(text.into())).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_in_time_is_measured() {
    let (ended, recorder) = run_with(false, async |socket: Socket| {
        let (mut sink, mut stream) = socket.split();
        let mut frame_index = 0;
        while hears(&mut stream).await {
            frame_index += 1;
            sleep(ms(20)).await;
            says(&mut sink, result(frame_index)).await;
        }
    })
    .await;
    assert_eq!(ended, Ok(()));
    let counts = &recorder.sessions[0];
    assert_eq!((counts.due, counts.sent, counts.results), (100, 100, 100));
    let trips = recorder.round_trips.summary().unwrap();
    assert!((20.0..=23.0).contains(&trips.p50) && trips.max <= 24.0, "{trips:?}");
    assert!(recorder.seconds.iter().all(|second| second.results == 10), "{:?}", recorder.seconds);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_reading_cannot_hide_it() {
    let (ended, recorder) = run_with(false, async |socket: Socket| {
        let (mut sink, mut stream) = socket.split();
        let mut frame_index = 0;
        while hears(&mut stream).await {
            frame_index += 1;
            if frame_index == 30 {
                sleep(ms(3000)).await;
            }
            // It claims that each was a millisecond old.
            says(&mut sink, result(frame_index)).await;
        }
    })
    .await;
    assert_eq!(ended, Ok(()));
    assert_eq!(recorder.sessions[0].results, 100);
    let age = recorder.ages.summary().unwrap();
    assert!(age.p99 < 1.1, "{age:?}");
    let trips = recorder.round_trips.summary().unwrap();
    assert!(trips.p99 > 2800.0 && trips.p95 > 2000.0, "{trips:?}");
    assert!(recorder.send_delays.summary().unwrap().p95 > 1500.0, "they were due all the same");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_answering_cannot_hide_it() {
    let (ended, recorder) = run_with(false, async |socket: Socket| {
        let (mut sink, mut stream) = socket.split();
        for frame_index in 1..=50 {
            hears(&mut stream).await;
            says(&mut sink, result(frame_index)).await;
        }
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!(ended, Ok(()));
    let counts = &recorder.sessions[0];
    assert_eq!((counts.due, counts.results), (100, 50));
    assert!(counts.unanswered > 0 && counts.not_sent > 0, "{counts:?}");
    assert!(recorder.round_trips.summary().unwrap().p99 > 9000.0);
}

#[tokio::test(start_paused = true)]
async fn advice_is_followed_only_on_request() {
    for (follow_advice, due) in [(true, 68), (false, 100)] {
        let (ended, recorder) = run_with(follow_advice, async |socket: Socket| {
            let (mut sink, mut stream) = socket.split();
            let mut frame_index = 0;
            while hears(&mut stream).await {
                frame_index += 1;
                match frame_index {
                    20 => {
                        says(&mut sink, r#"{"warning":"slow_down","recommended_fps":5}"#).await;
                    }
                    40 => {
                        says(&mut sink, r#"{"notice":"recovered","recommended_fps":7.5}"#).await;
                    }
                    _ => {}
                }
                let dropped = r#","dropped":true,"reason":"busy"}"#;
                says(&mut sink, format!(r#"{{"frame_index":{frame_index}{dropped}"#)).await;
            }
        })
        .await;
        assert_eq!(ended, Ok(()));
        let counts = &recorder.sessions[0];
        // 20 frames in two seconds, 20 in four, and four seconds at 7.5 fps.
        assert!(counts.due.abs_diff(due) <= 2, "{counts:?}");
        assert_eq!(counts.drops["busy"], counts.due);
        assert_eq!((counts.slow_downs, counts.recovered), (1, 1));
        assert_eq!(counts.recommended_fps, Some(7.5));
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_is_explained_and_the_rest_is_not_sent() {
    for (code, word) in [
        (1000, "normal end"),
        (1001, "goes away"),
        (1003, "type of message"),
        (1008, "refused"),
        (1009, "larger"),
        (1011, "failed"),
        (1012, "shutting down"),
        (1013, "overloaded"),
        (4000, "does not know"),
    ] {
        let (ended, recorder) = run_with(false, async move |socket: Socket| {
            let (mut sink, mut stream) = socket.split();
            hears(&mut stream).await;
            says(&mut sink, r#"{"error":"invalid_message","detail":"that was it"}"#).await;
            let close = CloseFrame { code: code.into(), reason: "enough".into() };
            let _ = sink.send(Frame::Close(Some(close))).await;
            while stream.next().await.is_some() {}
        })
        .await;
        let text = ended.unwrap_err().to_string();
        for word in [&code.to_string(), word, "enough", "that was it"] {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
        let counts = &recorder.sessions[0];
        assert_eq!((counts.due, counts.results), (100, 0));
        assert!(counts.not_sent >= 98, "{counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nonsense_ends_a_session_with_an_error() {
    for (said, word) in [
        (Frame::text("no JSON"), "no JSON"),
        (Frame::text("{}"), "{}"),
        (Frame::text(result(7)), "frame 7"),
        (Frame::binary(vec![1]), "binary"),
    ] {
        let (ended, recorder) = run_with(false, async |socket: Socket| {
            let (mut sink, mut stream) = socket.split();
            hears(&mut stream).await;
            let _ = sink.send(said).await;
            while stream.next().await.is_some() {}
        })
        .await;
        let failure = ended.unwrap_err();
        assert!(matches!(failure, SessionFailure::Protocol(_)), "{failure}");
        assert!(failure.to_string().contains(word), "{failure}");
        assert_eq!(recorder.sessions[0].due, 100);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_lost() {
    let (ended, _) = run_with(false, async |socket: Socket| drop(socket)).await;
    assert!(matches!(ended, Err(SessionFailure::Lost(_))), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_session_with_what_was_measured_so_far() {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        sleep(ms(3050)).await;
        stopping.cancel();
    });
    let start = Instant::now();
    let (ended, recorder) = run_until(stop, false, async |socket: Socket| {
        let (mut sink, mut stream) = socket.split();
        let mut frame_index = 0;
        while hears(&mut stream).await {
            frame_index += 1;
            sleep(ms(20)).await;
            says(&mut sink, result(frame_index)).await;
        }
    })
    .await;
    assert_eq!(ended, Ok(()));
    assert!(start.elapsed() < ms(3200), "{:?}", start.elapsed());
    let counts = &recorder.sessions[0];
    assert_eq!((counts.due, counts.sent, counts.results, counts.not_sent), (31, 31, 31, 0));
    assert_eq!(recorder.window().length, ms(3050));
    assert_eq!(recorder.seconds.len(), 4);
}
