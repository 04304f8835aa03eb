//! Time limits of a connection, on a paused clock.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Error;
use axum::extract::ws::Message;
use bytes::Bytes;
use framegate::engine::{Client, Engine, EngineSettings, LoadedPipeline};
use framegate::front::admission::DropThresholds;
use framegate::front::connection::{Drain, PING_INTERVAL, SILENCE_LIMIT, UNREAD_LIMIT, run};
use framegate::front::frame_memory::FrameMemory;
use framegate::front::link::Link;
use framegate::front::metrics::Metrics;
use framegate::front::options::SessionOptions;
use framegate::front::session::ClientSession;
use framegate::front::{Batches, NamedPipeline, RunsOn};
use framegate::protocol::DetectionChanges;
use framegate::stages::{BoxStage, DecodeLimits, Selection, Thresholds};
use framegate_backend_api::{Backend, Limits};
use framegate_testkit::ReferenceBackend;
use futures_util::{Sink, Stream};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, PollSender};

use crate::support::colours::colour_detector;

/// A socket made of two channels.
struct FakeSocket {
    from_client: mpsc::UnboundedReceiver<Result<Message, Error>>,
    to_client: PollSender<Message>,
}

impl Stream for FakeSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.from_client.poll_recv(context)
    }
}

impl Sink<Message> for FakeSocket {
    type Error = ();

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Ready(ready!(self.to_client.poll_reserve(context)).map_err(drop))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), ()> {
        self.to_client.send_item(message).map_err(drop)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Ready(Ok(()))
    }
}

/// The client's end of a connection that is being served.
struct Connection {
    to_server: mpsc::UnboundedSender<Result<Message, Error>>,
    from_server: mpsc::Receiver<Message>,
    metrics: Arc<Metrics>,
    drain: CancellationToken,
    link: Arc<Link>,
    serving: JoinHandle<()>,
    _engine: Engine,
}

/// Serves a client whose socket buffers this many messages that it has not read.
fn connect(unread: usize) -> Connection {
    connect_for(unread, None)
}

/// The same, for a session that may become this old.
fn connect_for(unread: usize, session_age: Option<Duration>) -> Connection {
    let settings = EngineSettings {
        decode: DecodeLimits::DEFAULT.into(),
        max_batch: 1,
        max_age: Duration::from_secs(1),
        device_check: None,
        read_budget: Duration::from_millis(20),
    };
    let detector = Arc::new(colour_detector());
    let thresholds = Thresholds { confidence: 0.5, iou: 0.45 };
    let pipeline = LoadedPipeline {
        session: ReferenceBackend
            .load(&detector.model, &Limits { max_batch: 1, threads: 1 })
            .unwrap(),
        boxes: BoxStage::new(&detector, thresholds).unwrap(),
        detector: Arc::clone(&detector),
        reader: None,
    };
    let engine = Engine::start(vec![pipeline], 1, settings, |_| {}).unwrap();
    let (to_server, from_client) = mpsc::unbounded_channel();
    let (to_client, from_server) = mpsc::channel(unread);
    let socket = FakeSocket { from_client, to_client: PollSender::new(to_client) };
    let metrics = Arc::new(Metrics::default());
    let id = "colours".to_owned();
    let runs_on = RunsOn {
        backend: "reference",
        device: "CPU".to_owned(),
        is_degraded: false,
        batches: Batches::default(),
    };
    let runs_on = watch::channel(runs_on).1;
    let defaults = Selection::of_all(thresholds);
    let named = NamedPipeline { id, detector, runs_on, defaults, reads_text: false };
    let session = ClientSession::new(
        SessionOptions::new(named, DetectionChanges::default(), false).unwrap(),
        1000,
        DropThresholds { drop: 0.1, slow_down: 0.3 },
        FrameMemory::new(1 << 20),
        Arc::clone(&metrics),
    );
    let begun = CancellationToken::new();
    let link = Link::alone();
    let deadline = Duration::from_secs(7);
    let drain = Drain { begun: begun.clone(), deadline, session_age, idle_after: deadline };
    let served = run(
        socket,
        session,
        engine.open(engine.pipelines()[0], Client::Own).unwrap(),
        None,
        drain,
        Arc::clone(&link),
        Arc::clone(&metrics),
    );
    let serving = tokio::spawn(served);
    Connection { to_server, from_server, metrics, drain: begun, link, serving, _engine: engine }
}

impl Connection {
    fn send(&self, message: Message) {
        self.to_server.send(Ok(message)).unwrap();
    }

    async fn hear(&mut self) -> Message {
        self.from_server.recv().await.expect("the connection is open")
    }

    async fn hear_json(&mut self) -> Value {
        serde_json::from_str(self.hear().await.to_text().unwrap()).unwrap()
    }

    fn is_served(&self) -> bool {
        !self.serving.is_finished()
    }
}

fn close_code(message: &Message) -> Option<u16> {
    match message {
        Message::Close(Some(frame)) => Some(frame.code),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_pinged_every_twenty_seconds() {
    let mut connection = connect(100);
    let start = Instant::now();
    for round in 1..=100 {
        assert_eq!(connection.hear().await, Message::Ping(Bytes::new()));
        assert_eq!(start.elapsed().as_secs(), PING_INTERVAL.as_secs() * round);
        connection.send(Message::Pong(Bytes::new()));
    }
    assert!(connection.is_served(), "a client that answers is not silent");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_closed_after_a_minute() {
    let mut connection = connect(100);
    let start = Instant::now();
    let mut pings = 0;
    let code = loop {
        match connection.hear().await {
            Message::Ping(_) => pings += 1,
            other => break close_code(&other),
        }
    };
    assert_eq!(code, Some(1001));
    assert_eq!(start.elapsed().as_secs(), SILENCE_LIMIT.as_secs());
    assert!((2..=3).contains(&pings), "{pings}");
    // It does not answer the close either; the server does not wait for it.
    timeout(Duration::from_secs(3), &mut connection.serving).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_disconnected_after_ten_seconds() {
    let mut connection = connect(1);
    let start = Instant::now();
    // Each of these is answered; one answer fits into the socket, the next waits.
    for _ in 0..3 {
        connection.send(Message::Binary(Bytes::from_static(b"no image")));
    }
    (&mut connection.serving).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), UNREAD_LIMIT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_read_from_a_client_that_does_not_read() {
    let connection = connect(1);
    for _ in 0..10_000 {
        // Valid frames that cannot be decoded; good images in between would change nothing.
        connection.send(Message::Binary(Bytes::from_static(b"\xFF\xD8\xFF\xD9")));
        connection.send(Message::Binary(Bytes::from_static(b"no image")));
    }
    let start = Instant::now();
    connection.serving.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), UNREAD_LIMIT.as_secs());
    let text = connection.metrics.encode();
    let invalid = text.lines().find(|line| line.contains("outcome=\"invalid\"")).unwrap();
    let invalid: usize = invalid.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(invalid < 300, "{invalid} messages were read from a client that reads none");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_is_announced_and_an_idle_client_is_closed() {
    let mut connection = connect(100);
    connection.send(Message::Pong(Bytes::new()));
    connection.drain.cancel();
    let notice = connection.hear_json().await;
    assert_eq!(notice["notice"], "draining");
    assert_eq!(notice["deadline_ms"], 7000);
    assert_eq!(close_code(&connection.hear().await), Some(1012));
    // The client closes too, as its library does, and the stream ends.
    drop(connection.to_server);
    connection.serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_at_its_age_and_says_so_before() {
    let mut connection = connect_for(100, Some(Duration::from_secs(10)));
    let start = Instant::now();
    let notice = connection.hear_json().await;
    assert_eq!((start.elapsed().as_secs(), &notice["notice"]), (10, &"draining".into()));
    let close = connection.hear().await;
    assert_eq!(close_code(&close), Some(1012));
    assert!(format!("{close:?}").contains("connect again"), "{close:?}");
    drop(connection.to_server);
    connection.serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_is_cleaned_up_at_once() {
    let connection = connect(100);
    let start = Instant::now();
    drop(connection.to_server);
    connection.serving.await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(connection.metrics.encode().contains("framegate_sessions_active 0"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_more_is_closed_when_everything_is_answered() {
    let mut connection = connect(100);
    connection.send(Message::Binary(Bytes::from_static(b"no image")));
    assert_eq!(connection.hear_json().await["error"], "invalid_frame");
    connection.link.end_input();
    assert_eq!(close_code(&connection.hear().await), Some(1000));
    connection.serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_cleaned_up_at_once() {
    let connection = connect(100);
    connection.to_server.send(Err(Error::new("reset by peer"))).unwrap();
    connection.serving.await.unwrap();
}
