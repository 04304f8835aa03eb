//! The loop that writes what is in the outbox to the client's socket.

use std::sync::Arc;

use axum::extract::ws;
use bytes::Bytes;
use futures_util::{Sink, SinkExt};
use tokio::time::timeout;

use super::UNREAD_LIMIT;
use super::shared_outbox::SharedOutbox;
use crate::front::messages;
use crate::front::metrics::{MessageOutcome, Metrics};
use crate::front::outbox::Outgoing;
use crate::protocol::ServerMessage;

/// How writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteEnd {
    /// A close was written.
    Closed,
    /// The client is gone or does not read.
    Stalled,
}

/// Writes the messages of the outbox, up to a close or until the client does not take them any more.
pub(super) async fn write(
    mut sink: impl Sink<ws::Message> + Unpin,
    outbox: Arc<SharedOutbox>,
    metrics: Arc<Metrics>,
) -> WriteEnd {
    loop {
        let outgoing = outbox.next().await;
        let closing = matches!(outgoing, Outgoing::Close(..));
        let message = match outgoing {
            Outgoing::Pong => match timeout(UNREAD_LIMIT, sink.flush()).await {
                Ok(Ok(())) => continue,
                Ok(Err(_)) | Err(_) => return WriteEnd::Stalled,
            },
            Outgoing::Result { mut message, received } => {
                metrics.observe_age(messages::set_age(&mut message, received));
                metrics.count(MessageOutcome::Result);
                text(&ServerMessage::Result(message))
            }
            Outgoing::Other(message) => text(&message),
            Outgoing::Ping => ws::Message::Ping(Bytes::new()),
            Outgoing::Close(reason) => {
                let (code, reason) = (reason.code(), reason.text().into());
                ws::Message::Close(Some(ws::CloseFrame { code, reason }))
            }
        };
        match timeout(UNREAD_LIMIT, sink.send(message)).await {
            Ok(Ok(())) if closing => return WriteEnd::Closed,
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return WriteEnd::Stalled,
        }
    }
}

fn text(message: &ServerMessage) -> ws::Message {
    ws::Message::Text(message.to_json().into())
}
