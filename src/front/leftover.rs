//! The rest of a request that was answered before all of it had come.
//!
//! Many clients send all they have before they read. If the server hung up while they do, their system would discard
//! the answer, and they would see a broken connection in its place. So the rest is read and thrown away for a moment.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use super::link::Link;
use crate::locks::unpoisoned;

/// Most bytes that are thrown away after an answer.
const MOST: usize = 16 << 20;
/// Longest time that is spent on them.
const LIMIT: Duration = Duration::from_secs(20);
/// Longest time in which none of them comes: a busy machine lets its senders wait for more than a second.
const PAUSE: Duration = Duration::from_secs(5);

/// A body that can still be read when its first reader has dropped it.
struct Held(Arc<Shared>);

struct Shared {
    body: Mutex<Body>,
    /// Whether anybody has begun to read it.
    is_read: AtomicBool,
}

/// The part of a body that is left, if any is.
pub(super) struct Leftover {
    body: Held,
    /// The client sends its body only once it is asked for.
    waits_to_be_asked: bool,
}

/// A request as it was, and the part of its body that is left later; `None` if it has no body.
pub(super) fn keep(request: Request) -> (Request, Option<Leftover>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let waits_to_be_asked = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let shared = Arc::new(Shared { body: Mutex::new(body), is_read: AtomicBool::new(false) });
    let leftover = Leftover { body: Held(Arc::clone(&shared)), waits_to_be_asked };
    (Request::from_parts(parts, Body::new(Held(shared))), Some(leftover))
}

impl Leftover {
    /// Reads the rest, up to the limits, while the answer is being sent.
    pub(super) fn discard(self, link: Arc<Link>) {
        let is_read = self.body.0.is_read.load(Ordering::Relaxed);
        if self.body.is_end_stream() || (self.waits_to_be_asked && !is_read) {
            return;
        }
        tokio::spawn(async move { timeout(LIMIT, discard(self.body, &link)).await });
    }
}

async fn discard(body: Held, link: &Link) {
    let mut chunks = Body::new(body).into_data_stream();
    let mut left = MOST;
    while let Ok(Some(Ok(chunk))) = timeout(PAUSE, chunks.next()).await
        && chunk.len() < left
    {
        left -= chunk.len();
        // It takes no memory.
        link.message_complete();
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.0.is_read.store(true, Ordering::Relaxed);
        Pin::new(&mut *unpoisoned(self.0.body.lock())).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        unpoisoned(self.0.body.lock()).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        unpoisoned(self.0.body.lock()).size_hint()
    }
}
