//! Sessions that move from server to server, over pipes, on simulated time.

use std::sync::Mutex;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::*;
use crate::load::recorder::{Recorder, Window};
use crate::load::schedule::SendSchedule;

type Socket = WebSocketStream<DuplexStream>;

const FPS: f64 = 10.0;
const SECONDS: u64 = 10;
const DRAINING: &str = r#"{"notice":"draining","deadline_ms":5000}"#;
const CLOSE: CloseFrame = CloseFrame {
    code: tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode::Restart,
    reason: tokio_tungstenite::tungstenite::Utf8Bytes::from_static("bye"),
};

/// A server, and the frames that it answers before it ends.
#[derive(Debug, Clone, Copy)]
enum Server {
    /// Answers to the end.
    Stays,
    /// Is not there.
    Missing,
    /// Breaks the connection.
    Breaks(u64),
    /// Closes with code 1012, without a word before.
    Closes(u64),
    /// Announces that it will close, answers what has arrived, then closes.
    Drains(u64),
}

/// Answers a frame each 20 ms; a server that drains answers what came before it hears of the end.
async fn serve(server: Server, mut socket: Socket) {
    let mut frame_index = 0;
    while let Some(Ok(Frame::Binary(_))) = socket.next().await {
        frame_index += 1;
        let ends = match server {
            Server::Stays | Server::Missing => false,
            Server::Breaks(after) | Server::Closes(after) | Server::Drains(after) => {
                frame_index == after
            }
        };
        if ends && matches!(server, Server::Breaks(_)) {
            return;
        }
        if ends && matches!(server, Server::Drains(_)) {
            let _ = socket.send(Frame::text(DRAINING)).await;
        }
        sleep(Duration::from_millis(20)).await;
        let result = format!(r#"{{"frame_index":{frame_index},"result":{{}},"age_ms":1.0}}"#);
        let _ = socket.send(Frame::text(result)).await;
        if ends {
            let _ = socket.send(Frame::Close(Some(CLOSE))).await;
            while socket.next().await.is_some() {}
        }
    }
}

/// Runs a session of ten seconds at 10 fps over these servers, one after another.
async fn run_over(servers: &[Server], reconnects: bool) -> (Reconnected, Recorder) {
    let servers = Mutex::new(servers.iter().copied());
    let connect = || {
        let server = servers.lock().unwrap().next().unwrap();
        async move {
            if let Server::Missing = server {
                return Err(SessionFailure::Refused { status: 503, detail: String::new() });
            }
            let (ours, theirs) = duplex(4096);
            let socket = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
            let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
            tokio::spawn(serve(server, theirs));
            Ok(Connected { socket, greeting: None })
        }
    };
    let first = connect().await.unwrap();
    let window = Window { from: Instant::now(), length: Duration::from_secs(SECONDS) };
    let plan = SessionPlan {
        number: 0,
        schedule: SendSchedule::spread(window.from, FPS, 0, 1),
        end: window.end(),
        fps: FPS,
        follow_advice: false,
        max_frame_bytes: None,
    };
    let recorder = SharedRecorder::new(Recorder::new(1, window));
    let frames = || std::iter::repeat(Bytes::from_static(&[0; 1000]));
    let again = reconnects.then_some(connect);
    let stop = CancellationToken::new();
    let ended = run(first, plan, frames, again, recorder.clone(), stop).await;
    let recorder = recorder.into_inner();
    let counts = &recorder.sessions[0];
    assert_eq!((counts.due, counts.sent + counts.not_sent), (100, 100), "{counts:?}");
    assert_eq!(counts.sent, counts.results + counts.unanswered, "{counts:?}");
    (ended, recorder)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drains_costs_no_frame() {
    let servers = [Server::Drains(30), Server::Drains(30), Server::Stays];
    let (ended, recorder) = run_over(&servers, true).await;
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.reasons, [SessionFailure::Draining, SessionFailure::Draining]);
    assert_eq!(recorder.sessions[0].results, 100);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_costs_the_frames_in_flight() {
    let (ended, recorder) = run_over(&[Server::Breaks(30), Server::Stays], true).await;
    assert_eq!(ended.outcome, Ok(()));
    assert!(matches!(ended.reasons[..], [SessionFailure::Lost(_)]), "{:?}", ended.reasons);
    let counts = &recorder.sessions[0];
    assert_eq!((counts.results, counts.unanswered, counts.not_sent), (99, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn while_no_server_is_there_frames_are_not_sent() {
    // After 2.92 s: attempts at once and after 50, 150, 350, 750 and 1550 ms, at 4.47 s.
    let missing = [Server::Missing; 5];
    let servers = [&[Server::Closes(30)][..], &missing, &[Server::Stays]].concat();
    let (ended, recorder) = run_over(&servers, true).await;
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.reasons.len(), 1);
    let counts = &recorder.sessions[0];
    // The frames due at 3.0, 3.1, …, 4.3 s; the one of 4.4 s is sent late.
    assert_eq!((counts.not_sent, counts.results), (14, 86));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_not_tried_again_and_neither_is_anything_without_the_wish() {
    let (ended, recorder) = run_over(&[Server::Closes(30)], false).await;
    assert!(matches!(ended.outcome, Err(SessionFailure::Closed { code: Some(1012), .. })));
    assert_eq!(recorder.sessions[0].not_sent, 70);
    let drained = run_over(&[Server::Drains(30)], false).await.0;
    assert!(matches!(drained.outcome, Err(SessionFailure::Closed { code: Some(1012), .. })));
    for (failure, passes) in [
        (SessionFailure::Refused { status: 503, detail: String::new() }, true),
        (SessionFailure::Refused { status: 403, detail: String::new() }, false),
        (SessionFailure::Protocol(String::new()), false),
        (SessionFailure::of_close(None, String::new()), true),
    ] {
        assert_eq!(failure.may_pass(), passes, "{failure}");
    }
}
