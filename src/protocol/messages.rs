//! Every message of a WebSocket session, to the letter. Clients send binary messages of one JPEG each;
//! the server answers with these, as JSON text.

use std::time::Duration;

use framegate_models::Size;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::constants::{
    BackendChangedNotice, DrainingNotice, RecoveredNotice, SlowDownWarning, True,
};
use super::{DropReason, ErrorCode, InvalidFrame, SessionSettings};
use crate::stages::{Detection, Stage, StageTimes, Tensor, milliseconds};

/// A message from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ServerMessage {
    /// The greeting, if the client asked for it.
    Greeting(Greeting),
    /// What was found in a frame.
    Result(ResultMessage),
    /// A frame was dropped.
    Dropped(DroppedMessage),
    /// The client should send fewer frames.
    SlowDown(SlowDownMessage),
    /// The client need not slow down any more.
    Recovered(RecoveredMessage),
    /// The session is about to be closed.
    Draining(DrainingMessage),
    /// Another backend runs the frames.
    BackendChanged(BackendChangedMessage),
    /// A frame or the connection failed.
    Error(ErrorMessage),
}

/// The greeting: the first message of a session opened with `hello=1`, and the answer to a message that changes its
/// options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Greeting {
    /// What the server runs for this session.
    pub session: SessionInfo,
}

/// What the server runs for a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionInfo {
    /// Identifies the session in the server's log.
    #[schema(format = "uuid")]
    pub session_id: String,
    /// The pipeline that runs the frames.
    pub pipeline_id: String,
    /// The backend that runs the model.
    pub backend: String,
    /// The device that the backend runs on.
    pub device: String,
    /// Largest frame that is accepted, in bytes.
    pub max_frame_bytes: usize,
    /// Name of each class, by class number.
    pub labels: Vec<String>,
    /// Size of the model's input.
    #[schema(schema_with = size_schema)]
    pub input: Size,
    /// The options in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub settings: Option<SessionSettings>,
}

/// What was found in a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResultMessage {
    /// Number of the frame among the valid frames of its session, from 1.
    #[schema(minimum = 1)]
    pub frame_index: u64,
    /// The detections.
    pub result: DetectionResult,
    /// Milliseconds spent in each stage.
    pub timings_ms: TimingsMs,
    /// Milliseconds from the frame's last byte read to the result handed to the socket.
    #[schema(minimum = 0)]
    pub age_ms: f64,
}

/// The detections in one frame. The answer to `POST /infer`, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DetectionResult {
    /// Width of the upright frame, in pixels.
    pub width: usize,
    /// Height of the upright frame, in pixels.
    pub height: usize,
    /// The detections, highest score first.
    pub detections: Vec<Detection>,
    /// The model's outputs themselves, only for a model without boxes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tensors: Vec<Tensor>,
}

/// Milliseconds that a frame spent in each stage, by the stage's name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimingsMs {
    /// From JPEG to pixels.
    pub decode: f64,
    /// To the size of the model's input.
    pub resize: f64,
    /// To the values that the model expects.
    pub normalise: f64,
    /// The model's run, on the whole batch that the frame was part of.
    pub inference: f64,
    /// From raw outputs to detections.
    pub postprocess: f64,
    /// From boxes to their texts; absent where there was nothing to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub read: Option<f64>,
    /// Sum of the stages.
    pub total: f64,
}

impl From<StageTimes> for TimingsMs {
    fn from(times: StageTimes) -> Self {
        let ms = |stage| milliseconds(times[stage]);
        Self {
            decode: ms(Stage::Decode),
            resize: ms(Stage::Resize),
            normalise: ms(Stage::Normalise),
            inference: ms(Stage::Inference),
            postprocess: ms(Stage::Postprocess),
            read: (!times[Stage::Read].is_zero()).then(|| ms(Stage::Read)),
            total: milliseconds(times.total()),
        }
    }
}

/// A frame was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DroppedMessage {
    /// Number of the frame among the valid frames of its session, from 1.
    #[schema(minimum = 1)]
    pub frame_index: u64,
    #[schema(inline)]
    pub dropped: True,
    /// Why.
    pub reason: DropReason,
}

/// The client sends more frames than the server can process for it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SlowDownMessage {
    #[schema(inline)]
    pub warning: SlowDownWarning,
    /// Frames per second that this session can sustain.
    pub recommended_fps: f64,
    /// Share of recent frames that were dropped, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub drop_rate: f64,
}

/// Sent once when a session need not slow down any more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecoveredMessage {
    #[schema(inline)]
    pub notice: RecoveredNotice,
    /// Frames per second that this session can sustain.
    pub recommended_fps: f64,
}

/// The server is shutting down, or the session has lasted long enough: close 1012 follows when all frames are
/// answered. Those that arrive within a quarter of a second are served, later ones dropped. A client that connects
/// again at once and sends its next frames there loses none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrainingMessage {
    #[schema(inline)]
    pub notice: DrainingNotice,
    /// Milliseconds until the server has ended at the latest.
    pub deadline_ms: u64,
}

/// The device was lost, and another has taken its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendChangedMessage {
    #[schema(inline)]
    pub notice: BackendChangedNotice,
    /// The backend that runs the model now.
    pub backend: String,
    /// The device that the backend runs on.
    pub device: String,
    /// Frames per second that this session can sustain, as far as that is known yet.
    pub recommended_fps: f64,
}

/// A frame or the connection failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorMessage {
    /// What went wrong.
    pub error: ErrorCode,
    /// What went wrong, as a phrase for people.
    pub detail: String,
    /// Number of the frame; absent if the message was not counted as a frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub frame_index: Option<u64>,
}

impl ServerMessage {
    /// A frame was dropped.
    pub fn dropped(frame_index: u64, reason: DropReason) -> Self {
        Self::Dropped(DroppedMessage { frame_index, dropped: True, reason })
    }

    /// The client should send at most `recommended_fps`.
    pub fn slow_down(recommended_fps: f64, drop_rate: f64) -> Self {
        Self::SlowDown(SlowDownMessage { warning: SlowDownWarning, recommended_fps, drop_rate })
    }

    /// The client need not slow down any more.
    pub fn recovered(recommended_fps: f64) -> Self {
        Self::Recovered(RecoveredMessage { notice: RecoveredNotice, recommended_fps })
    }

    /// Another backend runs the frames.
    pub fn backend_changed(backend: &str, device: &str, recommended_fps: f64) -> Self {
        Self::BackendChanged(BackendChangedMessage {
            notice: BackendChangedNotice,
            backend: backend.to_owned(),
            device: device.to_owned(),
            recommended_fps,
        })
    }

    /// The server will have ended within `deadline`.
    pub fn draining(deadline: Duration) -> Self {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        Self::Draining(DrainingMessage { notice: DrainingNotice, deadline_ms })
    }

    /// A message was not a frame and was not counted.
    pub fn invalid(invalid: InvalidFrame) -> Self {
        Self::error(invalid.code(), invalid.to_string())
    }

    /// An error that does not concern a counted frame.
    pub fn error(error: ErrorCode, detail: impl Into<String>) -> Self {
        Self::Error(ErrorMessage { error, detail: detail.into(), frame_index: None })
    }

    /// The message as JSON text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("messages hold nothing that JSON cannot express")
    }
}

/// The schema of a [`Size`].
pub(super) fn size_schema() -> ObjectBuilder {
    let pixels = |about| {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).description(Some(about))
    };
    ObjectBuilder::new()
        .property("width", pixels("In pixels."))
        .required("width")
        .property("height", pixels("In pixels."))
        .required("height")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind of message beside its text in the protocol.
    fn messages() -> [(ServerMessage, &'static str); 10] {
        let session = SessionInfo {
            session_id: "6d4c".to_owned(),
            pipeline_id: "codes".to_owned(),
            backend: "simd".to_owned(),
            device: "CPU".to_owned(),
            max_frame_bytes: 5_242_880,
            labels: vec!["qr_code".to_owned()],
            input: Size { width: 320, height: 256 },
            settings: Some(SessionSettings {
                conf: 0.25,
                iou: 0.5,
                classes: None,
                max_det: 300,
                track: false,
                text: true,
            }),
        };
        let result = ResultMessage {
            frame_index: 1,
            result: DetectionResult {
                width: 640,
                height: 480,
                detections: vec![],
                tensors: vec![],
            },
            timings_ms: TimingsMs {
                decode: 1.0,
                resize: 2.0,
                normalise: 3.0,
                inference: 4.0,
                postprocess: 0.005,
                read: None,
                total: 10.005,
            },
            age_ms: 12.5,
        };
        let failed = ErrorMessage {
            error: ErrorCode::DecodeFailed,
            detail: "cut off".to_owned(),
            frame_index: Some(3),
        };
        [
            (
                ServerMessage::Greeting(Greeting { session }),
                r#"{"session":{"session_id":"6d4c","pipeline_id":"codes","backend":"simd","device":"CPU","max_frame_bytes":5242880,"labels":["qr_code"],"input":{"width":320,"height":256},"settings":{"conf":0.25,"iou":0.5,"classes":null,"max_det":300,"track":false,"text":true}}}"#,
            ),
            (
                ServerMessage::Result(result),
                r#"{"frame_index":1,"result":{"width":640,"height":480,"detections":[]},"timings_ms":{"decode":1.0,"resize":2.0,"normalise":3.0,"inference":4.0,"postprocess":0.005,"total":10.005},"age_ms":12.5}"#,
            ),
            (
                ServerMessage::dropped(2, DropReason::Busy),
                r#"{"frame_index":2,"dropped":true,"reason":"busy"}"#,
            ),
            (
                ServerMessage::slow_down(7.5, 0.42),
                r#"{"warning":"slow_down","recommended_fps":7.5,"drop_rate":0.42}"#,
            ),
            (ServerMessage::recovered(9.0), r#"{"notice":"recovered","recommended_fps":9.0}"#),
            (
                ServerMessage::draining(Duration::from_secs(10)),
                r#"{"notice":"draining","deadline_ms":10000}"#,
            ),
            (
                ServerMessage::backend_changed("simd", "CPU", 7.5),
                r#"{"notice":"backend_changed","backend":"simd","device":"CPU","recommended_fps":7.5}"#,
            ),
            (
                ServerMessage::invalid(InvalidFrame::Empty),
                r#"{"error":"invalid_frame","detail":"Frame is empty (no data provided)"}"#,
            ),
            (
                ServerMessage::error(ErrorCode::InvalidPipeline, "Unknown pipeline_id: nope"),
                r#"{"error":"invalid_pipeline","detail":"Unknown pipeline_id: nope"}"#,
            ),
            (
                ServerMessage::Error(failed),
                r#"{"error":"decode_failed","detail":"cut off","frame_index":3}"#,
            ),
        ]
    }

    #[test]
    fn messages_are_written_as_the_protocol_says() {
        for (message, json) in messages() {
            assert_eq!(message.to_json(), json);
        }
    }

    #[test]
    fn messages_are_read_as_what_they_are() {
        for (message, json) in messages() {
            assert_eq!(serde_json::from_str::<ServerMessage>(json).unwrap(), message);
            let more = json.replace('{', r#"{"new":[1],"#);
            let read = serde_json::from_str::<ServerMessage>(&more).unwrap();
            assert_eq!(read, message, "keys may be added");
        }
    }

    #[test]
    fn nonsense_cannot_be_read() {
        for json in [
            "{}",
            r#"{"frame_index":2,"dropped":false,"reason":"busy"}"#,
            r#"{"frame_index":2,"dropped":true,"reason":"tired"}"#,
            r#"{"frame_index":-2,"dropped":true,"reason":"busy"}"#,
            r#"{"warning":"hurry","recommended_fps":7.5,"drop_rate":0.42}"#,
            r#"{"notice":"draining","recommended_fps":9.0}"#,
            r#"{"error":"odd","detail":""}"#,
        ] {
            assert!(serde_json::from_str::<ServerMessage>(json).is_err(), "{json}");
        }
    }
}
