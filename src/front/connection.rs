//! A session's socket: two loops, one that reads and decides and one that writes, so that a client
//! that does not read holds up nobody but itself.
//!
//! ```text
//! socket ─▶ read ─▶ ClientSession ─▶ engine
//!                      │ ▲        │
//!                      │ └────────┘ answers
//! socket ◀─ write ◀─ Outbox
//! ```

mod reading;
mod shared_outbox;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use axum::Error;
use axum::extract::ws;
use futures_util::{Sink, Stream, StreamExt};
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::outbox::Outgoing;
use super::session::ClientSession;
use super::wire::{Greeting, Message};
use crate::engine::StreamHandle;
use reading::Reader;
use shared_outbox::SharedOutbox;

/// How often a client is asked whether it is there.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
/// A client of which no message arrives for so long, not even an answer to a ping, has gone.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// A client that reads nothing for so long while something waits for it is given up.
pub const UNREAD_LIMIT: Duration = Duration::from_secs(10);
/// How long a client may take to answer a close.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The shutdown of the server, as a session sees it.
#[derive(Debug, Clone)]
pub struct Drain {
    /// Cancelled when it begins.
    pub begun: CancellationToken,
    /// How long it may take.
    pub deadline: Duration,
}

/// Serves one client to the end of its connection.
pub async fn run<S>(
    socket: S,
    session: ClientSession,
    handle: StreamHandle,
    greeting: Option<Greeting>,
    drain: Drain,
    metrics: Arc<Metrics>,
) where
    S: Stream<Item = Result<ws::Message, Error>> + Sink<ws::Message> + Send + Unpin + 'static,
{
    let (sink, stream) = socket.split();
    let outbox = Arc::new(SharedOutbox::default());
    if let Some(session) = greeting {
        outbox.change(|outbox| outbox.push(Outgoing::Other(Message::Greeting { session })));
    }
    let writing = writing::write(sink, Arc::clone(&outbox), metrics);
    let reader = Reader::new(stream, session, handle, outbox, drain);
    // Each ends when there is no use in going on; the reader first if all is well.
    reader.read_beside(writing).await;
}
