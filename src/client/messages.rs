//! The parts of a server's messages that matter to its clients. Read leniently: keys may be added to
//! the protocol, and words that this program does not know count as `other`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::excerpt::excerpt;
use crate::protocol::{
    DrainingNotice, DropReason, ErrorCode, RecoveredNotice, SessionInfo, SlowDownWarning,
};

/// Stands for every unknown word.
const OTHER: &str = "other";

/// A message of the server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    Greeting(SessionInfo),
    /// The outcome of a frame.
    Reply {
        frame_index: u64,
        outcome: ReplyOutcome,
    },
    /// A message was refused and not counted as a frame.
    Refused {
        code: &'static str,
        detail: String,
    },
    SlowDown {
        recommended_fps: f64,
    },
    Recovered {
        recommended_fps: f64,
    },
    /// The server will close the session.
    Draining,
    /// Nothing that matters here.
    Other,
}

/// The outcome of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ReplyOutcome {
    /// Its age as the server measured it.
    Result {
        age: Duration,
    },
    Dropped {
        reason: &'static str,
    },
    Failed {
        code: &'static str,
    },
}

/// A message that breaks the protocol. Displays as what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("{problem}, in the message `{message}`")]
    Unreadable { problem: String, message: String },
    #[error("it sent `{0}`")]
    NotUnderstood(String),
}

/// A word of a closed set, or one that is newer than this program.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word<T> {
    Known(T),
    New(IgnoredAny),
}

impl<T> Word<T> {
    fn name(self, name: impl FnOnce(T) -> &'static str) -> &'static str {
        match self {
            Self::Known(word) => name(word),
            Self::New(_) => OTHER,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Notice {
    Recovered(RecoveredNotice),
    Draining(DrainingNotice),
}

/// The keys of all messages that matter here. Detections are skipped, not built.
#[derive(Deserialize)]
struct Keys {
    session: Option<SessionInfo>,
    frame_index: Option<u64>,
    result: Option<IgnoredAny>,
    age_ms: Option<f64>,
    dropped: Option<bool>,
    reason: Option<Word<DropReason>>,
    warning: Option<Word<SlowDownWarning>>,
    notice: Option<Word<Notice>>,
    recommended_fps: Option<f64>,
    error: Option<Word<ErrorCode>>,
    detail: Option<String>,
}

impl Message {
    pub(crate) fn read(text: &str) -> Result<Self, MessageError> {
        let keys: Keys = serde_json::from_str(text).map_err(|problem| {
            MessageError::Unreadable { problem: problem.to_string(), message: excerpt(text) }
        })?;
        let not_understood = || MessageError::NotUnderstood(excerpt(text));
        if let Some(session) = keys.session {
            return Ok(Self::Greeting(session));
        }
        if let Some(frame_index) = keys.frame_index {
            let outcome = if keys.result.is_some() {
                let age = keys.age_ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
                ReplyOutcome::Result { age: age.ok_or_else(not_understood)? }
            } else if keys.dropped == Some(true) {
                let reason = keys.reason.map_or(OTHER, |reason| reason.name(DropReason::name));
                ReplyOutcome::Dropped { reason }
            } else if let Some(code) = keys.error {
                ReplyOutcome::Failed { code: code.name(ErrorCode::name) }
            } else {
                return Err(not_understood());
            };
            return Ok(Self::Reply { frame_index, outcome });
        }
        if let Some(code) = keys.error {
            let detail = excerpt(&keys.detail.unwrap_or_default());
            return Ok(Self::Refused { code: code.name(ErrorCode::name), detail });
        }
        let recommended_fps = || {
            let fps = keys.recommended_fps.filter(|fps| fps.is_finite() && *fps > 0.0);
            fps.ok_or_else(not_understood)
        };
        match (keys.warning, keys.notice) {
            (Some(Word::Known(SlowDownWarning)), _) => {
                Ok(Self::SlowDown { recommended_fps: recommended_fps()? })
            }
            (_, Some(Word::Known(Notice::Recovered(RecoveredNotice)))) => {
                Ok(Self::Recovered { recommended_fps: recommended_fps()? })
            }
            (_, Some(Word::Known(Notice::Draining(DrainingNotice)))) => Ok(Self::Draining),
            (Some(_), _) | (_, Some(_)) => Ok(Self::Other),
            (None, None) => Err(not_understood()),
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_models::Size;

    use super::*;
    use crate::protocol::{ErrorMessage, Greeting, InvalidFrame, ServerMessage};

    #[test]
    fn messages_of_our_own_server_are_understood() {
        let read = |message: ServerMessage| Message::read(&message.to_json()).unwrap();
        for reason in DropReason::ALL {
            let outcome = ReplyOutcome::Dropped { reason: reason.name() };
            let expected = Message::Reply { frame_index: 7, outcome };
            assert_eq!(read(ServerMessage::dropped(7, reason)), expected);
        }
        for error in ErrorCode::ALL {
            let (detail, frame_index) = (String::new(), Some(3));
            let outcome = ReplyOutcome::Failed { code: error.name() };
            let failed = ServerMessage::Error(ErrorMessage { error, detail, frame_index });
            assert_eq!(read(failed), Message::Reply { frame_index: 3, outcome });
        }
        let slow_down = read(ServerMessage::slow_down(7.5, 0.4));
        assert_eq!(slow_down, Message::SlowDown { recommended_fps: 7.5 });
        let recovered = read(ServerMessage::recovered(9.0));
        assert_eq!(recovered, Message::Recovered { recommended_fps: 9.0 });
        let invalid = InvalidFrame::TooLarge { bytes: 2, limit: 1 };
        let detail = "Frame size (2 bytes) exceeds limit (1 bytes)".to_owned();
        let expected = Message::Refused { code: "frame_too_large", detail };
        assert_eq!(read(ServerMessage::invalid(invalid)), expected);
        assert_eq!(read(ServerMessage::draining(Duration::from_secs(1))), Message::Draining);
        let session = SessionInfo {
            session_id: "6d4c".to_owned(),
            pipeline_id: "codes".to_owned(),
            backend: "simd".to_owned(),
            device: "CPU".to_owned(),
            max_frame_bytes: 1000,
            labels: vec![],
            input: Size { width: 1, height: 1 },
            settings: None,
        };
        let greeting = Greeting { session: session.clone() };
        assert_eq!(read(ServerMessage::Greeting(greeting)), Message::Greeting(session));
        let result = r#"{"frame_index":1,"result":{"detections":[]},"age_ms":12.5,"new":[1]}"#;
        let outcome = ReplyOutcome::Result { age: Duration::from_micros(12_500) };
        assert_eq!(Message::read(result), Ok(Message::Reply { frame_index: 1, outcome }));
    }

    #[test]
    fn new_words_are_not_an_error() {
        for (text, expected) in [
            (
                r#"{"frame_index":1,"dropped":true,"reason":"tired"}"#,
                Message::Reply { frame_index: 1, outcome: ReplyOutcome::Dropped { reason: OTHER } },
            ),
            (
                r#"{"frame_index":1,"error":"odd","detail":""}"#,
                Message::Reply { frame_index: 1, outcome: ReplyOutcome::Failed { code: OTHER } },
            ),
            (r#"{"notice":"tea_time"}"#, Message::Other),
            (r#"{"warning":"hurry"}"#, Message::Other),
        ] {
            assert_eq!(Message::read(text), Ok(expected));
        }
    }

    #[test]
    fn nonsense_is_an_error_that_repeats_some_of_it() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5000));
        for text in [
            "",
            "no JSON",
            "[]",
            "{}",
            r#"{"frame_index":1}"#,
            r#"{"frame_index":-1,"dropped":true}"#,
            r#"{"frame_index":1,"result":{}}"#,
            r#"{"frame_index":1,"result":{},"age_ms":-4}"#,
            r#"{"warning":"slow_down"}"#,
            r#"{"warning":"slow_down","recommended_fps":0}"#,
            &long,
        ] {
            let error = Message::read(text).expect_err(text).to_string();
            assert!(error.len() < 400, "{error}");
        }
    }
}
