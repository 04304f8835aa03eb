//! The loop that writes.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::ws;
use bytes::Bytes;
use futures_util::{Sink, SinkExt};
use tokio::time::timeout;

use super::UNREAD_LIMIT;
use super::shared_outbox::SharedOutbox;
use crate::front::metrics::{FrameOutcome, Metrics};
use crate::front::outbox::Outgoing;
use crate::front::wire::Message;

/// How writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// A close was written.
    Closed,
    /// The client is gone, or does not read.
    GivenUp,
}

/// Writes what is put into the outbox until the connection is to be closed, or cannot be written to.
pub(super) async fn write(
    mut sink: impl Sink<ws::Message> + Unpin,
    outbox: Arc<SharedOutbox>,
    metrics: Arc<Metrics>,
) -> Written {
    loop {
        let outgoing = outbox.next().await;
        let closing = matches!(outgoing, Outgoing::Close(..));
        let message = match outgoing {
            Outgoing::Result { mut message, received } => {
                message.age = Instant::now().duration_since(received);
                metrics.observe_age(message.age);
                metrics.count(FrameOutcome::Result);
                text(Message::Result(message))
            }
            Outgoing::Other(message) => text(message),
            Outgoing::Ping => ws::Message::Ping(Bytes::new()),
            Outgoing::Close(code, reason) => {
                ws::Message::Close(Some(ws::CloseFrame { code, reason: reason.into() }))
            }
        };
        match timeout(UNREAD_LIMIT, sink.send(message)).await {
            Ok(Ok(())) if closing => return Written::Closed,
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Written::GivenUp,
        }
    }
}

fn text(message: Message) -> ws::Message {
    ws::Message::Text(message.into_json().into())
}
