//! A POST per change, tried again when it fails.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{Request, StatusCode};
use framegate_barcodes::BarcodeFormat;
use hyper_util::rt::TokioIo;
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::address::WebhookAddress;
use super::change::{Change, ChangeKind, DownReason};
use crate::error_chain::error_chain;
use crate::watch::backoff::Backoff;

/// Attempts for a change before it is given up: about half a minute.
const ATTEMPTS: usize = 6;
/// Longest time for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The body of a POST.
#[derive(Default, Serialize)]
struct Event<'a> {
    event: &'static str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    time: f64,
    /// Why there are no results.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<DownReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    /// How long it was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// The text of a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<BarcodeFormat>,
}

/// Why a change could not be posted.
#[derive(Debug, thiserror::Error)]
enum PostError {
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    #[error("the answer is not valid HTTP")]
    Http(#[from] hyper::Error),
    #[error("no answer within {} s", ANSWER_LIMIT.as_secs())]
    NoAnswer,
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer has status {0}, and redirects are not followed: give the final address")]
    Redirect(StatusCode),
}

impl PostError {
    /// Whether another attempt may succeed.
    fn is_passing(&self) -> bool {
        match self {
            Self::Status(status) => {
                status.is_server_error()
                    || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(status)
            }
            Self::Redirect(_) => false,
            _ => true,
        }
    }
}

/// Posts changes, one after another, until there are no more. Counts those that are given up.
pub(super) async fn run(
    address: WebhookAddress,
    mut changes: mpsc::Receiver<Change>,
    lost: Counter,
) {
    while let Some(change) = changes.recv().await {
        if let Some(body) = body(&change)
            && !deliver(&address, &body).await
        {
            lost.inc();
        }
    }
}

fn body(change: &Change) -> Option<String> {
    let Change { source, time, kind } = change;
    let of_source = |event| Event { event, source, time: *time, ..Event::default() };
    let event = |event, label| Event { label: Some(label), ..of_source(event) };
    let event = match kind {
        ChangeKind::Appeared { label, score } => {
            Event { score: Some(*score), ..event("appear", label) }
        }
        ChangeKind::Read { label, text, format } => {
            Event { text: Some(text), format: *format, ..event("read", label) }
        }
        ChangeKind::Left { label, seconds } => {
            Event { seconds: Some(*seconds), ..event("leave", label) }
        }
        ChangeKind::Up => of_source("source_up"),
        ChangeKind::Down { reason } => Event { reason: Some(*reason), ..of_source("source_down") },
        ChangeKind::Known => return None,
    };
    Some(serde_json::to_string(&event).expect("events have no maps with other keys"))
}

/// Whether that succeeded at last.
async fn deliver(address: &WebhookAddress, body: &str) -> bool {
    let mut backoff = Backoff::default();
    for attempt in 1..=ATTEMPTS {
        let posted = timeout(ANSWER_LIMIT, post(address, body));
        let error = match posted.await.unwrap_or(Err(PostError::NoAnswer)) {
            Ok(()) => return true,
            Err(error) => error,
        };
        if attempt == ATTEMPTS || !error.is_passing() {
            tracing::warn!(webhook = %address, attempt, error = error_chain(&error), "webhook_failed");
            break;
        }
        sleep(backoff.wait(fastrand::f64())).await;
    }
    false
}

async fn post(address: &WebhookAddress, body: &str) -> Result<(), PostError> {
    let uri = &address.uri;
    let socket = TcpStream::connect(address.authority()).await.map_err(PostError::Connect)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(async move {
        // What went wrong, the answer says too.
        let _ = connection.await;
    }));
    let mut request = Request::post(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(USER_AGENT, concat!("framegate/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json");
    if let Some(credentials) = &address.credentials {
        let basic = http_auth::basic::encode_credentials(&credentials.user, &credentials.password);
        request = request.header(AUTHORIZATION, basic);
    }
    let request = request.body(Body::from(body.to_owned()));
    let request = request.map_err(|_| PostError::Status(StatusCode::BAD_REQUEST))?;
    let status = sender.send_request(request).await?.status();
    match status {
        _ if status.is_success() => Ok(()),
        _ if status.is_redirection() => Err(PostError::Redirect(status)),
        _ => Err(PostError::Status(status)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;

    fn change(kind: ChangeKind) -> Change {
        Change { source: "yard".into(), time: 1.5, kind }
    }

    fn appeared(label: &str) -> Change {
        change(ChangeKind::Appeared { label: label.into(), score: 0.5 })
    }

    /// A receiver that gives these answers; returns its address, and the bodies that it gets.
    async fn receiver(statuses: &'static [u16]) -> (WebhookAddress, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, bodies) = mpsc::channel(100);
        tokio::spawn(async move {
            for status in statuses {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut text = String::new();
                while !text.ends_with('}') {
                    let mut buffer = [0; 1024];
                    let read = connection.read(&mut buffer).await.unwrap();
                    text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
                }
                let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
                connection.write_all(answer.as_bytes()).await.unwrap();
                sender.send(text).await.unwrap();
            }
        });
        let address = WebhookAddress::parse(&format!("http://me:secret@127.0.0.1:{port}/seen?a=b"));
        (address.unwrap(), bodies)
    }

    #[tokio::test]
    async fn a_change_is_posted_with_the_password() {
        let (address, mut bodies) = receiver(&[204, 200]).await;
        let (sender, changes) = mpsc::channel(8);
        let running = tokio::spawn(run(address, changes, Counter::default()));
        sender.send(change(ChangeKind::Known)).await.unwrap();
        sender.send(appeared("cat")).await.unwrap();
        let left = ChangeKind::Left { label: "cat".into(), seconds: 2.5 };
        sender.send(change(left)).await.unwrap();
        let request = bodies.recv().await.unwrap();
        assert!(request.starts_with("POST /seen?a=b HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("authorization: Basic bWU6c2VjcmV0\r\n"), "{request}");
        let body = r#"{"event":"appear","source":"yard","label":"cat","time":1.5,"score":0.5}"#;
        assert!(request.ends_with(body), "{request}");
        let body = r#"{"event":"leave","source":"yard","label":"cat","time":1.5,"seconds":2.5}"#;
        assert!(bodies.recv().await.unwrap().ends_with(body));
        drop(sender);
        running.await.unwrap();
    }

    #[test]
    fn a_source_that_is_lost_has_an_event_of_its_own() {
        let reason = DownReason::ServerLost;
        for (kind, expected) in [
            (
                ChangeKind::Down { reason },
                r#"{"event":"source_down","source":"yard","time":1.5,"reason":"server_lost"}"#,
            ),
            (ChangeKind::Up, r#"{"event":"source_up","source":"yard","time":1.5}"#),
        ] {
            assert_eq!(body(&change(kind)).as_deref(), Some(expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_change_that_is_given_up_is_counted() {
        let (address, _bodies) = receiver(&[302, 500, 500, 500, 500, 500, 500, 404, 200]).await;
        let (sender, changes) = mpsc::channel(8);
        let lost = Counter::default();
        for label in ["redirected", "failing", "missing", "taken"] {
            sender.send(appeared(label)).await.unwrap();
        }
        drop(sender);
        run(address, changes, lost.clone()).await;
        assert_eq!(lost.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_less_and_less_often_and_given_up() {
        let (address, mut bodies) = receiver(&[503, 429, 200, 404, 200]).await;
        let begin = Instant::now();
        assert!(deliver(&address, "{}").await);
        assert!((Duration::from_millis(2400)..Duration::from_secs(4)).contains(&begin.elapsed()));
        // The fault is ours: once is enough.
        assert!(!deliver(&address, "{}").await);
        assert!(deliver(&address, "{}").await);
        for _ in 0..5 {
            bodies.recv().await.unwrap();
        }
        let gone = WebhookAddress::parse("http://127.0.0.1:9/").unwrap();
        let begin = Instant::now();
        assert!(!deliver(&gone, "{}").await);
        let longest = Duration::from_secs(1 + 2 + 4 + 8 + 16).mul_f64(1.2);
        assert!(
            (longest.mul_f64(0.6)..=longest).contains(&begin.elapsed()),
            "{:?}",
            begin.elapsed()
        );
    }
}
