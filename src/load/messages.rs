//! What a server says, read leniently: keys may be added to the protocol, and values may be new.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::failure::excerpt;
use crate::engine::DropReason;

/// What a value counts as that this program does not know.
const OTHER: &str = "other";
/// The error codes of the protocol.
const ERROR_CODES: [&str; 6] = [
    "invalid_pipeline",
    "invalid_message",
    "invalid_frame",
    "frame_too_large",
    "decode_failed",
    "pipeline_failure",
];

/// A message of the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message {
    Greeting(Greeting),
    /// What became of a frame.
    Answer {
        frame_index: u64,
        outcome: Outcome,
    },
    /// Something was refused that was not counted as a frame.
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
    /// Nothing that matters here.
    Other,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
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

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Greeting {
    pub(super) pipeline_id: String,
    pub(super) backend: String,
    pub(super) device: String,
    pub(super) max_frame_bytes: usize,
}

/// Every key of every message.
#[derive(Deserialize)]
struct Keys {
    session: Option<Greeting>,
    frame_index: Option<u64>,
    result: Option<IgnoredAny>,
    age_ms: Option<f64>,
    dropped: Option<bool>,
    reason: Option<String>,
    warning: Option<String>,
    notice: Option<String>,
    recommended_fps: Option<f64>,
    error: Option<String>,
    detail: Option<String>,
}

impl Message {
    /// Reads a message; the error is what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let keys: Keys = serde_json::from_str(text)
            .map_err(|error| format!("{error}, in the message `{}`", excerpt(text)))?;
        let not_understood = || format!("it sent `{}`", excerpt(text));
        if let Some(greeting) = keys.session {
            return Ok(Self::Greeting(greeting));
        }
        if let Some(frame_index) = keys.frame_index {
            let outcome = if keys.result.is_some() {
                let age = keys.age_ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
                Outcome::Result { age: age.ok_or_else(not_understood)? }
            } else if keys.dropped == Some(true) {
                Outcome::Dropped { reason: drop_reason(&keys.reason.unwrap_or_default()) }
            } else if let Some(code) = keys.error {
                Outcome::Failed { code: error_code(&code) }
            } else {
                return Err(not_understood());
            };
            return Ok(Self::Answer { frame_index, outcome });
        }
        if let Some(code) = keys.error {
            let detail = excerpt(&keys.detail.unwrap_or_default());
            return Ok(Self::Refused { code: error_code(&code), detail });
        }
        let rate = || keys.recommended_fps.filter(|fps| fps.is_finite() && *fps > 0.0);
        match (keys.warning.as_deref(), keys.notice.as_deref()) {
            (Some("slow_down"), _) => {
                Ok(Self::SlowDown { recommended_fps: rate().ok_or_else(not_understood)? })
            }
            (_, Some("recovered")) => {
                Ok(Self::Recovered { recommended_fps: rate().ok_or_else(not_understood)? })
            }
            (Some(_), _) | (_, Some(_)) => Ok(Self::Other),
            (None, None) => Err(not_understood()),
        }
    }
}

fn drop_reason(name: &str) -> &'static str {
    DropReason::ALL.map(DropReason::name).into_iter().find(|known| *known == name).unwrap_or(OTHER)
}

fn error_code(name: &str) -> &'static str {
    ERROR_CODES.into_iter().find(|known| *known == name).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{FrameError, FrameErrorCode};
    use crate::front::admission::Advice;
    use crate::front::validate::InvalidFrame;
    use crate::front::wire;

    #[test]
    fn what_our_own_server_says_is_understood() {
        let read = |message: wire::Message| Message::read(&message.into_json()).unwrap();
        for reason in DropReason::ALL {
            let outcome = Outcome::Dropped { reason: reason.name() };
            let expected = Message::Answer { frame_index: 7, outcome };
            assert_eq!(read(wire::Message::dropped(7, reason)), expected);
        }
        for code in [FrameErrorCode::DecodeFailed, FrameErrorCode::PipelineFailure] {
            let failed = read(wire::Message::failed(3, FrameError::new(code, "no")));
            let Message::Answer { frame_index: 3, outcome: Outcome::Failed { code } } = failed
            else {
                panic!("{failed:?}");
            };
            assert_ne!(code, OTHER);
        }
        let advice = Advice::SlowDown { recommended_fps: 7.5, drop_rate: 0.4 };
        assert_eq!(read(advice.into()), Message::SlowDown { recommended_fps: 7.5 });
        let advice = Advice::Recovered { recommended_fps: 9.0 };
        assert_eq!(read(advice.into()), Message::Recovered { recommended_fps: 9.0 });
        let invalid = InvalidFrame::TooLarge { bytes: 2, limit: 1 };
        let detail = "Frame size (2 bytes) exceeds limit (1 bytes)".to_owned();
        let expected = Message::Refused { code: "frame_too_large", detail };
        assert_eq!(read(wire::Message::invalid(invalid)), expected);
        assert_eq!(read(wire::Message::draining(Duration::from_secs(1))), Message::Other);
        let result = r#"{"frame_index":1,"result":{"detections":[]},"age_ms":12.5,"new":[1]}"#;
        let outcome = Outcome::Result { age: Duration::from_micros(12_500) };
        assert_eq!(Message::read(result), Ok(Message::Answer { frame_index: 1, outcome }));
    }

    #[test]
    fn new_words_are_no_error() {
        for (text, expected) in [
            (
                r#"{"frame_index":1,"dropped":true,"reason":"tired"}"#,
                Message::Answer { frame_index: 1, outcome: Outcome::Dropped { reason: OTHER } },
            ),
            (
                r#"{"frame_index":1,"error":"odd","detail":""}"#,
                Message::Answer { frame_index: 1, outcome: Outcome::Failed { code: OTHER } },
            ),
            (r#"{"notice":"tea_time"}"#, Message::Other),
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
            let error = Message::read(text).expect_err(text);
            assert!(error.len() < 400, "{error}");
        }
    }
}
