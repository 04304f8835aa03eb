//! What close codes mean (RFC 6455, 7.4.1, and the registry it founds), where a server of live video
//! uses them.

use crate::front::session::close;

/// What a close code says, and what to do.
pub(super) fn meaning(code: Option<u16>) -> &'static str {
    match code {
        Some(1000) => "normal end: the server wants no more",
        Some(close::GOING_AWAY) => "the server goes away, or heard nothing for too long",
        Some(1002) => "the server says this client broke the WebSocket protocol",
        Some(close::UNSUPPORTED_DATA) => "the server does not take binary messages",
        Some(1005) | None => "the server gave no reason",
        Some(1006) => "the connection broke",
        Some(1007) => "the server says a message was malformed",
        Some(close::POLICY_VIOLATION) => {
            "refused: an unknown pipeline, or too many messages that are no frames"
        }
        Some(close::MESSAGE_TOO_BIG) => "a frame is far larger than the server accepts",
        Some(1011) => "the server has failed",
        Some(close::SERVICE_RESTART) => "the server is shutting down",
        Some(1013) => "the server is overloaded; try later",
        Some(1015) => "no encrypted connection could be made",
        Some(_) => "a code this program does not know",
    }
}
