//! Why a server closes a session, and what the close codes of WebSocket mean here.

/// Close codes that this protocol uses (RFC 6455, 7.4.1, and the registry it establishes).
pub mod code {
    /// The session ended normally.
    pub const NORMAL: u16 = 1000;
    /// The client has been silent for too long.
    pub const GOING_AWAY: u16 = 1001;
    /// The client broke the WebSocket protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// The client sent a text message that cannot be used.
    pub const UNSUPPORTED_DATA: u16 = 1003;
    /// Stands for a close without a code; never sent.
    pub const NO_STATUS: u16 = 1005;
    /// Stands for a connection that broke; never sent.
    pub const ABNORMAL: u16 = 1006;
    /// A message was malformed.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// The pipeline is unknown, a message took too long, or too many in a row were not frames.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// A message is far too large.
    pub const MESSAGE_TOO_BIG: u16 = 1009;
    /// The server failed.
    pub const INTERNAL_ERROR: u16 = 1011;
    /// The server is shutting down and may come back, or wants the session opened again.
    pub const SERVICE_RESTART: u16 = 1012;
    /// The server is overloaded.
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// Stands for a failed TLS handshake; never sent.
    pub const TLS_HANDSHAKE: u16 = 1015;
}

/// Why this server closes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// Nothing arrived for too long, not even the answer to a ping.
    Silent,
    /// The client sent text that changes no options.
    TextMessage,
    /// The client sent options that cannot be used.
    UnusableOptions,
    /// There is no pipeline of this name.
    UnknownPipeline,
    /// Too many messages in a row were not frames.
    TooManyInvalidFrames,
    /// A message is so large that it is not even read.
    MessageTooLarge,
    /// The server is shutting down.
    ShuttingDown,
    /// The session is as old as sessions may become, so that clients spread over new servers too.
    SessionAge,
    /// The client has sent its last message, and all of them are answered.
    InputEnded,
    /// The client broke the WebSocket protocol.
    ProtocolError,
    /// The client sent text that is not UTF-8.
    NotUtf8,
    /// A message took too long to arrive.
    MessageTooSlow,
    /// Unfinished messages have taken all the memory there is for them.
    OutOfMemory,
    /// No valid frame has come for a while, and another client needs the place.
    Idle,
}

impl CloseReason {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Silent,
        Self::TextMessage,
        Self::UnusableOptions,
        Self::UnknownPipeline,
        Self::TooManyInvalidFrames,
        Self::MessageTooLarge,
        Self::ShuttingDown,
        Self::SessionAge,
        Self::InputEnded,
        Self::ProtocolError,
        Self::NotUtf8,
        Self::MessageTooSlow,
        Self::OutOfMemory,
        Self::Idle,
    ];

    /// The code that is sent.
    pub fn code(self) -> u16 {
        match self {
            Self::Silent => code::GOING_AWAY,
            Self::TextMessage | Self::UnusableOptions => code::UNSUPPORTED_DATA,
            Self::UnknownPipeline | Self::TooManyInvalidFrames | Self::MessageTooSlow => {
                code::POLICY_VIOLATION
            }
            Self::MessageTooLarge => code::MESSAGE_TOO_BIG,
            Self::ShuttingDown | Self::SessionAge => code::SERVICE_RESTART,
            Self::InputEnded => code::NORMAL,
            Self::ProtocolError => code::PROTOCOL_ERROR,
            Self::NotUtf8 => code::INVALID_PAYLOAD,
            Self::OutOfMemory | Self::Idle => code::TRY_AGAIN_LATER,
        }
    }

    /// The text that is sent with the code.
    pub fn text(self) -> &'static str {
        match self {
            Self::Silent => "no sign of life",
            Self::TextMessage => "binary messages only",
            Self::UnusableOptions => "options that cannot be used",
            Self::UnknownPipeline => "unknown pipeline_id",
            Self::TooManyInvalidFrames => "too many invalid frames",
            Self::MessageTooLarge => "message too large",
            Self::ShuttingDown => "the server is shutting down",
            Self::SessionAge => "the session has lasted long enough; connect again",
            Self::InputEnded => "everything is answered",
            Self::ProtocolError => "this is not WebSocket",
            Self::NotUtf8 => "text is not UTF-8",
            Self::MessageTooSlow => "a message took too long to arrive",
            Self::OutOfMemory => "too many unfinished messages; try again later",
            Self::Idle => {
                "no frame for a while, and others need the place; connect again with the next"
            }
        }
    }
}

/// What a close code says to the client of a live video server; `None` is a close without a code.
pub fn meaning(close_code: Option<u16>) -> &'static str {
    match close_code {
        Some(code::NORMAL) => "normal end: the server wants no more frames",
        Some(code::GOING_AWAY) => "the server goes away, or heard nothing for too long",
        Some(code::PROTOCOL_ERROR) => "the server says this client broke the WebSocket protocol",
        Some(code::UNSUPPORTED_DATA) => "the server does not accept this type of message",
        Some(code::NO_STATUS) | None => "the server gave no reason",
        Some(code::ABNORMAL) => "the connection broke",
        Some(code::INVALID_PAYLOAD) => "the server says a message was malformed",
        Some(code::POLICY_VIOLATION) => {
            "refused: an unknown pipeline, a message that took too long, or too many in a row that are not \
             frames"
        }
        Some(code::MESSAGE_TOO_BIG) => "a frame is far larger than the server accepts",
        Some(code::INTERNAL_ERROR) => "the server failed",
        Some(code::SERVICE_RESTART) => {
            "the server is shutting down, or wants its sessions opened again"
        }
        Some(code::TRY_AGAIN_LATER) => "the server is overloaded; try again later",
        Some(code::TLS_HANDSHAKE) => "no encrypted connection could be established",
        Some(_) => "a code this program does not know",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_protocol() {
        for (reason, code) in [
            (CloseReason::Silent, 1001),
            (CloseReason::TextMessage, 1003),
            (CloseReason::UnusableOptions, 1003),
            (CloseReason::UnknownPipeline, 1008),
            (CloseReason::TooManyInvalidFrames, 1008),
            (CloseReason::MessageTooLarge, 1009),
            (CloseReason::ShuttingDown, 1012),
            (CloseReason::SessionAge, 1012),
            (CloseReason::InputEnded, 1000),
            (CloseReason::ProtocolError, 1002),
            (CloseReason::NotUtf8, 1007),
            (CloseReason::MessageTooSlow, 1008),
            (CloseReason::OutOfMemory, 1013),
            (CloseReason::Idle, 1013),
        ] {
            assert_eq!(reason.code(), code, "{reason:?}");
        }
    }

    #[test]
    fn reasons_fit_into_a_close_frame_and_are_explained() {
        for reason in CloseReason::ALL {
            // RFC 6455, 5.5: at most 125 bytes, two of them the code.
            assert!(reason.text().len() <= 123, "{reason:?}");
            assert_ne!(meaning(Some(reason.code())), meaning(Some(4000)), "{reason:?}");
        }
    }
}
