//! A session's socket: one loop that reads and decides, one that writes, so that a client that does not
//! read holds up only itself.
//!
//! ```text
//! socket ─▶ read ─▶ ClientSession ─▶ engine
//!                      │ ▲        │
//!                      │ └────────┘ replies
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

use super::link::Link;
use super::metrics::Metrics;
use super::outbox::Outgoing;
use super::session::ClientSession;
use crate::engine::StreamHandle;
use crate::protocol::{Greeting, ServerMessage};
use reading::Reader;
use shared_outbox::SharedOutbox;

/// How often a client is pinged.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Close the connection if nothing, not even a pong, arrives within this time.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// Drop the connection if the client reads nothing for this long while a message waits for it.
pub const UNREAD_LIMIT: Duration = Duration::from_secs(10);
/// Longest time that a message may take to arrive, whatever arrives in between.
pub const MESSAGE_LIMIT: Duration = Duration::from_secs(20);
/// Longest time for which frames are still served after the end of a session was announced.
const GRACE: Duration = Duration::from_millis(250);
/// Longest time for the last words to a client that must give way.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// Longest time that a client may take to answer a close.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Why a session ends that is well: the server's shutdown, its age, or others that need its place more.
#[derive(Debug, Clone)]
pub struct Drain {
    /// Cancelled when the shutdown begins.
    pub begun: CancellationToken,
    /// Longest time that the shutdown may take.
    pub deadline: Duration,
    /// Age at which a session ends the same way although the server goes on.
    pub session_age: Option<Duration>,
    /// Time without a valid frame after which it gives way when places run short.
    pub idle_after: Duration,
}

impl Drain {
    /// How long frames are still served after the announcement: they may have been on their way.
    fn grace(&self) -> Duration {
        GRACE.min(self.deadline / 10)
    }
}

/// Serves one client to the end of its connection.
pub async fn run<S>(
    socket: S,
    session: ClientSession,
    handle: StreamHandle,
    greeting: Option<Greeting>,
    drain: Drain,
    link: Arc<Link>,
    metrics: Arc<Metrics>,
) where
    S: Stream<Item = Result<ws::Message, Error>> + Sink<ws::Message> + Send + Unpin + 'static,
{
    let (sink, stream) = socket.split();
    let outbox = Arc::new(SharedOutbox::default());
    if let Some(greeting) = greeting {
        outbox.change(|outbox| outbox.push(Outgoing::Other(ServerMessage::Greeting(greeting))));
    }
    let writing = writing::write(sink, Arc::clone(&outbox), metrics);
    let reader = Reader::new(stream, session, handle, outbox, drain, link);
    // Both end when the connection does; the reader first if all is well.
    reader.read_beside(writing).await;
}
