//! What goes over the wire, to the letter. Every message to a client is one of these.

use std::time::Duration;

use framegate_models::Size;
use serde::{Serialize, Serializer};

use super::admission::Advice;
use super::validate::InvalidFrame;
use crate::engine::{DropReason, FrameError, FrameErrorCode, FrameResult, TimingsMs, milliseconds};
use crate::stages::Detection;

/// A message to a client.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Message {
    /// The greeting, if it was asked for.
    Greeting {
        /// What the session is.
        session: Greeting,
    },
    /// A frame's result.
    Result(ResultMessage),
    /// A frame was dropped.
    Dropped {
        /// Number of the frame.
        frame_index: u64,
        /// Always true.
        dropped: bool,
        /// Why.
        #[serde(serialize_with = "as_name")]
        reason: DropReason,
    },
    /// The client sends more than it can get through.
    SlowDown {
        /// Always `slow_down`.
        warning: &'static str,
        /// Frames a second that would get through.
        recommended_fps: f64,
        /// Share of frames dropped lately, 0 to 1.
        drop_rate: f64,
    },
    /// The slow-down is over.
    Recovered {
        /// Always `recovered`.
        notice: &'static str,
        /// Frames a second that get through.
        recommended_fps: f64,
    },
    /// The server is shutting down.
    Draining {
        /// Always `draining`.
        notice: &'static str,
        /// Milliseconds until it ends at the latest.
        deadline_ms: u64,
    },
    /// A frame or the connection has failed.
    Error {
        /// What kind of failure.
        error: ErrorCode,
        /// What happened, in a phrase.
        detail: String,
        /// Number of the frame, if it had been counted.
        #[serde(skip_serializing_if = "Option::is_none")]
        frame_index: Option<u64>,
    },
}

impl Message {
    /// A frame was dropped.
    pub fn dropped(frame_index: u64, reason: DropReason) -> Self {
        Self::Dropped { frame_index, dropped: true, reason }
    }

    /// The server will have ended by then.
    pub fn draining(deadline: Duration) -> Self {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        Self::Draining { notice: "draining", deadline_ms }
    }

    /// A message was no frame, and was not counted.
    pub fn invalid(invalid: InvalidFrame) -> Self {
        Self::error(ErrorCode::from(invalid), invalid.to_string())
    }

    /// A counted frame has failed.
    pub fn failed(frame_index: u64, error: FrameError) -> Self {
        let FrameError { code, detail, .. } = error;
        Self::Error { error: code.into(), detail, frame_index: Some(frame_index) }
    }

    /// An error that is not of a counted frame.
    pub fn error(error: ErrorCode, detail: impl Into<String>) -> Self {
        Self::Error { error, detail: detail.into(), frame_index: None }
    }

    /// The message as JSON text.
    pub fn into_json(self) -> String {
        serde_json::to_string(&self).expect("messages have nothing that JSON cannot express")
    }
}

impl From<Advice> for Message {
    fn from(advice: Advice) -> Self {
        match advice {
            Advice::SlowDown { recommended_fps, drop_rate } => {
                Self::SlowDown { warning: "slow_down", recommended_fps, drop_rate }
            }
            Advice::Recovered { recommended_fps } => {
                Self::Recovered { notice: "recovered", recommended_fps }
            }
        }
    }
}

/// What a client is told of its session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Greeting {
    /// Name of the session, for logs.
    pub session_id: String,
    /// The pipeline that runs its frames.
    pub pipeline_id: String,
    /// What computes.
    pub backend: &'static str,
    /// What that runs on.
    pub device: String,
    /// Largest frame that is accepted.
    pub max_frame_bytes: usize,
    /// Name of each class, by class number.
    pub labels: Vec<String>,
    /// Size of the model's input.
    pub input: Size,
}

/// A frame's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResultMessage {
    /// Number of the frame.
    pub frame_index: u64,
    /// What was found.
    pub result: FrameContents,
    /// How long each stage took.
    pub timings_ms: TimingsMs,
    /// From the frame's last byte read to the result handed to the socket.
    #[serde(rename = "age_ms", serialize_with = "as_milliseconds")]
    pub age: Duration,
}

impl ResultMessage {
    /// A result whose age is not known yet.
    pub fn new(frame_index: u64, result: FrameResult) -> Self {
        let timings_ms = result.timings.into();
        Self { frame_index, result: result.into(), timings_ms, age: Duration::ZERO }
    }
}

/// What was found in a frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FrameContents {
    /// Width of the upright frame in pixels.
    pub width: usize,
    /// Height of the upright frame in pixels.
    pub height: usize,
    /// Surest first.
    pub detections: Vec<Detection>,
}

impl From<FrameResult> for FrameContents {
    fn from(FrameResult { size, detections, .. }: FrameResult) -> Self {
        Self { width: size.width, height: size.height, detections }
    }
}

/// Kinds of failure: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// There is no such pipeline.
    InvalidPipeline,
    /// Not a binary message.
    InvalidMessage,
    /// Not a JPEG.
    InvalidFrame,
    /// More bytes than allowed.
    FrameTooLarge,
    /// The JPEG cannot be decoded.
    DecodeFailed,
    /// Not the frame's fault.
    PipelineFailure,
}

impl From<FrameErrorCode> for ErrorCode {
    fn from(code: FrameErrorCode) -> Self {
        match code {
            FrameErrorCode::FrameTooLarge => Self::FrameTooLarge,
            FrameErrorCode::DecodeFailed => Self::DecodeFailed,
            // Frames of a connection are in memory; they cannot fail to be read.
            FrameErrorCode::ReadFailed | FrameErrorCode::PipelineFailure => Self::PipelineFailure,
        }
    }
}

impl From<InvalidFrame> for ErrorCode {
    fn from(invalid: InvalidFrame) -> Self {
        match invalid {
            InvalidFrame::TooLarge { .. } => Self::FrameTooLarge,
            InvalidFrame::Empty | InvalidFrame::NoStartMarker | InvalidFrame::NoEndMarker => {
                Self::InvalidFrame
            }
        }
    }
}

fn as_name<S: Serializer>(reason: &DropReason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(reason.name())
}

fn as_milliseconds<S: Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(milliseconds(*age))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::{Stage, StageTimes};

    #[test]
    fn a_result_is_written_as_the_protocol_says() {
        let ms = Duration::from_millis;
        let result = FrameResult {
            size: Size { width: 640, height: 480 },
            detections: vec![],
            timings: StageTimes::from_iter([
                (Stage::Decode, ms(1)),
                (Stage::Resize, ms(2)),
                (Stage::Normalise, ms(3)),
                (Stage::Inference, ms(4)),
                (Stage::Postprocess, Duration::from_micros(5)),
            ]),
        };
        let mut message = ResultMessage::new(1, result);
        message.age = Duration::from_micros(12_500);
        assert_eq!(
            Message::Result(message).into_json(),
            r#"{"frame_index":1,"result":{"width":640,"height":480,"detections":[]},"timings_ms":{"decode":1.0,"resize":2.0,"normalise":3.0,"inference":4.0,"postprocess":0.005,"total":10.005},"age_ms":12.5}"#
        );
    }

    #[test]
    fn the_other_messages_are_written_as_the_protocol_says() {
        for (message, json) in [
            (
                Message::dropped(2, DropReason::Busy),
                r#"{"frame_index":2,"dropped":true,"reason":"busy"}"#,
            ),
            (
                Advice::SlowDown { recommended_fps: 7.5, drop_rate: 0.42 }.into(),
                r#"{"warning":"slow_down","recommended_fps":7.5,"drop_rate":0.42}"#,
            ),
            (
                Advice::Recovered { recommended_fps: 9.0 }.into(),
                r#"{"notice":"recovered","recommended_fps":9.0}"#,
            ),
            (
                Message::draining(Duration::from_secs(10)),
                r#"{"notice":"draining","deadline_ms":10000}"#,
            ),
            (
                Message::invalid(InvalidFrame::Empty),
                r#"{"error":"invalid_frame","detail":"Frame is empty (no data provided)"}"#,
            ),
            (
                Message::failed(3, FrameError::new(FrameErrorCode::DecodeFailed, "cut off")),
                r#"{"error":"decode_failed","detail":"cut off","frame_index":3}"#,
            ),
        ] {
            assert_eq!(message.into_json(), json);
        }
    }

    #[test]
    fn a_cause_never_reaches_the_wire() {
        let mut error =
            FrameError::new(FrameErrorCode::PipelineFailure, "Pipeline execution failed");
        error.cause = Some("/home/someone/model.onnx: line 3".into());
        let json = Message::failed(1, error).into_json();
        assert_eq!(
            json,
            r#"{"error":"pipeline_failure","detail":"Pipeline execution failed","frame_index":1}"#
        );
    }
}
