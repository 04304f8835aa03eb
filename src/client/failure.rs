//! Why a session could not be opened, or ended early.

use std::time::Duration;

use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::excerpt::excerpt;
use super::messages::MessageError;
use crate::protocol::{ErrorBody, close};

/// Why a session could not be opened, or ended early.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum SessionFailure {
    /// Nothing listens there.
    #[error("cannot connect to {authority}: {problem}; is the server running there?")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// The system's error.
        problem: String,
    },
    /// Something listens there but does not answer.
    #[error("no answer from {authority} within {} s", .limit.as_secs())]
    Silent {
        /// Host and port.
        authority: String,
        /// How long an answer was waited for.
        limit: Duration,
    },
    /// The server does not open a session.
    #[error("the session was refused with HTTP status {status}{detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's explanation, after a colon.
        detail: String,
    },
    /// The other side does not speak the protocol.
    #[error("this is not a live video server: {0}")]
    Handshake(String),
    /// The server closed the session.
    #[error("{}", closed(*.code, .reason, .last_error))]
    Closed {
        /// The code, if there was a close message.
        code: Option<u16>,
        /// The reason given with it.
        reason: String,
        /// The last error that the server reported before.
        last_error: String,
    },
    /// The connection broke without a close.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server announced that it would close the session.
    #[error("the server asked to connect again")]
    Draining,
    /// The server sent something that is not in the protocol.
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
}

impl SessionFailure {
    /// Whether it makes sense to connect again: to another server behind a load balancer, or to this one
    /// when it has started again.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Lost(_) | Self::Draining => true,
            // Too many requests; bad gateway, unavailable, or a gateway that has waited too long.
            Self::Refused { status, .. } => matches!(status, 429 | 502..=504),
            Self::Closed { code, .. } => match code {
                None => true,
                Some(code) => [
                    close::code::GOING_AWAY,
                    close::code::NO_STATUS,
                    close::code::ABNORMAL,
                    close::code::SERVICE_RESTART,
                    close::code::TRY_AGAIN_LATER,
                ]
                .contains(code),
            },
            Self::Handshake(_) | Self::Protocol(_) => false,
        }
    }

    /// A WebSocket could not be opened.
    pub(crate) fn of_handshake(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(response) => {
                let body = response.body().as_deref().unwrap_or_default();
                let detail = match serde_json::from_slice::<ErrorBody>(body) {
                    Ok(ErrorBody { detail, .. }) => excerpt(&detail),
                    Err(_) => excerpt(&String::from_utf8_lossy(body)),
                };
                let detail = if detail.is_empty() { detail } else { format!(": {detail}") };
                Self::Refused { status: response.status().as_u16(), detail }
            }
            error => Self::Handshake(error.to_string()),
        }
    }

    /// The server closed the session, after it had reported `last_error`.
    pub(crate) fn of_close(close: Option<CloseFrame>, last_error: String) -> Self {
        let code = close.as_ref().map(|close| close.code.into());
        let reason = close.map(|close| excerpt(&close.reason)).unwrap_or_default();
        Self::Closed { code, reason, last_error }
    }

    /// The server sent a binary message; all its messages are text.
    pub(crate) fn binary() -> Self {
        Self::Protocol("it sent a binary message".to_owned())
    }

    /// An open WebSocket failed.
    pub(crate) fn of_connection(error: &tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Io(error) => Self::Lost(error.to_string()),
            tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed
            | tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            ) => Self::Lost("it ended without a close message".to_owned()),
            error => Self::Protocol(error.to_string()),
        }
    }
}

impl From<MessageError> for SessionFailure {
    fn from(error: MessageError) -> Self {
        Self::Protocol(error.to_string())
    }
}

fn closed(code: Option<u16>, reason: &str, last_error: &str) -> String {
    let mut text = "the server closed the session".to_owned();
    if let Some(code) = code {
        text += &format!(" with code {code}");
    }
    text += &format!(" ({})", close::meaning(code));
    for more in [reason, last_error].into_iter().filter(|more| !more.is_empty()) {
        text += &format!(": {more}");
    }
    text
}
