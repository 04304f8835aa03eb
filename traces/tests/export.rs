//! Spans arrive at a collector.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use framegate_traces::{Caller, Exporter, FRAME, TraceError, TraceOptions, start};
use tracing::subscriber::with_default;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

const TRACE: [u8; 16] = *b"\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36";
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const LEFT_OUT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// A collector and the requests that it is sent, heads included.
struct Collector {
    address: String,
    requests: Receiver<Vec<u8>>,
}

impl Collector {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let (sender, requests) = sync_channel(16);
        let take = move || {
            for connection in listener.incoming() {
                if sender.send(answered(connection.unwrap())).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().spawn(take).unwrap();
        Self { address, requests }
    }

    /// Everything that was sent.
    fn sent(&self) -> Vec<u8> {
        self.requests.try_iter().flatten().collect()
    }
}

/// The only request of a connection.
fn answered(mut connection: TcpStream) -> Vec<u8> {
    let mut request = vec![];
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let head = String::from_utf8(request.clone()).unwrap().to_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
    connection.read_exact(&mut body).unwrap();
    request.extend(body);
    connection
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    request
}

fn exporter(
    collector: &Collector,
    share: f64,
) -> (impl tracing::Subscriber + Send + Sync + 'static, Exporter) {
    let options = TraceOptions { collector: collector.address.clone(), share, version: "1.2.3" };
    let (layer, exporter) = start::<Registry>(&options).unwrap();
    (tracing_subscriber::registry().with(layer), exporter)
}

fn count(sent: &[u8], part: &[u8]) -> usize {
    sent.windows(part.len()).filter(|window| *window == part).count()
}

#[test]
fn frames_and_stages_arrive_in_the_callers_trace() {
    let collector = Collector::listen();
    let (subscriber, exporter) = exporter(&collector, 1.0);
    let caller = Caller::read(SAMPLED, None).unwrap();
    with_default(subscriber, || {
        let frame = tracing::info_span!(FRAME, frame_index = 7);
        caller.adopt(&frame);
        frame.in_scope(|| drop(tracing::info_span!("decode").entered()));
    });
    exporter.finish();
    let sent = collector.sent();
    assert!(sent.starts_with(b"POST /v1/traces HTTP/1.1\r\n"));
    for part in [&b"frame_index"[..], b"decode", b"framegate", b"1.2.3"] {
        assert!(count(&sent, part) > 0, "{}", String::from_utf8_lossy(&sent));
    }
    assert_eq!(count(&sent, &TRACE), 2, "both spans are of the trace");
}

#[test]
fn a_share_of_the_frames_is_sent_and_none_that_is_left_out() {
    let collector = Collector::listen();
    let (subscriber, exporter) = exporter(&collector, 0.25);
    let sampled = Caller::read(SAMPLED, None).unwrap();
    let left_out = Caller::read(LEFT_OUT, None).unwrap();
    with_default(subscriber, || {
        for _ in 0..400 {
            drop(tracing::info_span!(FRAME, own = true).entered());
            let frame = tracing::info_span!(FRAME, session = true);
            sampled.adopt(&frame);
            drop(frame.entered());
            let frame = tracing::info_span!(FRAME, unwanted = true);
            left_out.adopt(&frame);
            drop(frame.entered());
        }
        // A request that is to be followed is, whatever the share.
        for _ in 0..20 {
            let request = tracing::info_span!("request");
            sampled.adopt(&request);
            request.in_scope(|| drop(tracing::info_span!(FRAME, followed = true).entered()));
        }
    });
    exporter.finish();
    let sent = collector.sent();
    // 100 are expected of 400; that 50 to 150 are, fails less than once in 10^8 runs.
    for part in [&b"\x03own"[..], b"\x07session"] {
        assert!((50..150).contains(&count(&sent, part)), "{}", count(&sent, part));
    }
    assert_eq!(count(&sent, b"unwanted"), 0);
    assert_eq!(count(&sent, b"followed"), 20);
}

#[test]
fn empty_headers_are_not_a_caller() {
    for text in ["", "00-0-0-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
        assert!(Caller::read(text, None).is_none(), "{text}");
    }
}

#[test]
fn an_address_that_is_none_is_refused() {
    for collector in ["localhost:4318", "ftp://host", "http://bad host"] {
        let options = TraceOptions { collector: collector.to_owned(), share: 1.0, version: "" };
        let refused = start::<Registry>(&options).map(drop).unwrap_err();
        assert!(matches!(refused, TraceError::Address), "{refused}");
    }
}

#[test]
fn a_collector_that_is_away_holds_nothing_up() {
    // Nothing listens: the port was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let collector = format!("http://127.0.0.1:{port}");
    let options = TraceOptions { collector, share: 1.0, version: "" };
    let (layer, exporter) = start(&options).unwrap();
    with_default(tracing_subscriber::registry().with(layer), || {
        drop(tracing::info_span!(FRAME).entered());
    });
    exporter.finish();
}
