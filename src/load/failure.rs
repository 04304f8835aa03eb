//! Why a session could not be opened, or ended before its time.

use std::time::Duration;

use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::closing;

/// The most that is repeated of what a server said.
const EXCERPT: usize = 200;

/// Why a session could not be opened, or ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum SessionFailure {
    /// Nobody answers there.
    #[error("cannot connect to {authority}: {problem}; is the server running there?")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// What the system said.
        problem: String,
    },
    /// Somebody is there who says nothing.
    #[error("no answer from {authority} within {} s", .limit.as_secs())]
    Silent {
        /// Host and port.
        authority: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The server does not open a session.
    #[error("the session was refused with HTTP status {status}{detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What was said with it, after a colon.
        detail: String,
    },
    /// What answers does not speak the protocol.
    #[error("what answers is no server of live video: {0}")]
    Handshake(String),
    /// The server has ended the session.
    #[error("{}", closed(*.code, .reason, .said))]
    Closed {
        /// The code, if there was a close message.
        code: Option<u16>,
        /// The reason given with it.
        reason: String,
        /// The last error that the server told before.
        said: String,
    },
    /// The connection broke without a goodbye.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server said something that the protocol does not have.
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
}

impl SessionFailure {
    /// What a WebSocket that could not be opened says.
    pub(super) fn of_handshake(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(response) => {
                let body = response.body().as_deref().unwrap_or_default();
                let body = excerpt(&String::from_utf8_lossy(body));
                let detail = if body.is_empty() { body } else { format!(": {body}") };
                Self::Refused { status: response.status().as_u16(), detail }
            }
            error => Self::Handshake(error.to_string()),
        }
    }

    /// The server's close, after the last error that it told.
    pub(super) fn of_close(close: Option<CloseFrame>, said: String) -> Self {
        let code = close.as_ref().map(|close| close.code.into());
        let reason = close.map(|close| excerpt(&close.reason)).unwrap_or_default();
        Self::Closed { code, reason, said }
    }

    /// Servers say everything in text.
    pub(super) fn binary() -> Self {
        Self::Protocol("it sent a binary message".to_owned())
    }

    /// What a WebSocket that was open says.
    pub(super) fn of_connection(error: &tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Io(error) => Self::Lost(error.to_string()),
            tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed
            | tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            ) => Self::Lost("it was closed without a word".to_owned()),
            error => Self::Protocol(error.to_string()),
        }
    }
}

fn closed(code: Option<u16>, reason: &str, said: &str) -> String {
    let mut text = "the server closed the session".to_owned();
    if let Some(code) = code {
        text += &format!(" with code {code}");
    }
    text += &format!(" ({})", closing::meaning(code));
    for more in [reason, said].into_iter().filter(|more| !more.is_empty()) {
        text += &format!(": {more}");
    }
    text
}

/// The beginning of what a server said, in one line.
pub(super) fn excerpt(text: &str) -> String {
    let line = |c: char| if c.is_control() { ' ' } else { c };
    let mut excerpt: String = text.trim().chars().take(EXCERPT).map(line).collect();
    if text.trim().chars().nth(EXCERPT).is_some() {
        excerpt.push('…');
    }
    excerpt
}
