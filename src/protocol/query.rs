//! Query parameters.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ClassList, DetectionChanges, Switch};

/// Query parameters of `/ws/video/stream`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// The pipeline that runs the frames; by default the server's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// `1` asks for the greeting as the server's first message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hello: Option<String>,
    /// Lowest score of a detection; by default the pipeline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1)]
    #[schema(minimum = 0, maximum = 1)]
    pub conf: Option<f32>,
    /// Overlap above which the lower-scoring of two boxes is dropped; by default the pipeline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1)]
    #[schema(minimum = 0, maximum = 1)]
    pub iou: Option<f32>,
    /// Report these classes alone: labels or class numbers, separated by commas. `person:0.6` gives a class a
    /// lowest score of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "person:0.6,car")]
    pub classes: Option<String>,
    /// Most detections per frame: those with the highest scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1)]
    #[schema(minimum = 1)]
    pub max_det: Option<usize>,
    /// `1` asks for `track_id` in detections: a number for each object that stays the same from result to result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// `1` to read what is in the boxes, `0` not to; by default as the pipeline does. For pipelines that can.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "0")]
    pub text: Option<String>,
}

/// Query parameters of `/readyz`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadinessQuery {
    /// `new`: whether there is room for another session. A load balancer asks this way, and sends no new
    /// sessions to a server that is full while those it has go on.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub purpose: Option<ReadyFor>,
}

/// The purpose that a server should be ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadyFor {
    /// A new session.
    New,
}

/// Query parameters of `POST /infer`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InferQuery {
    /// The pipeline that runs the image; by default the server's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// Lowest score of a detection; by default the pipeline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1)]
    pub conf: Option<f32>,
    /// Overlap above which the lower-scoring of two boxes is dropped; by default the pipeline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1)]
    pub iou: Option<f32>,
    /// Report these classes alone: labels or class numbers, separated by commas. `person:0.6` gives a class a
    /// lowest score of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "person:0.6,car")]
    pub classes: Option<String>,
    /// Most detections: those with the highest scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1)]
    pub max_det: Option<usize>,
    /// `1` to read what is in the boxes, `0` not to; by default as the pipeline does. For pipelines that can.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "0")]
    pub text: Option<String>,
}

impl StreamQuery {
    /// Whether the client asked for the greeting.
    pub fn wants_greeting(&self) -> bool {
        self.hello.as_deref() == Some("1")
    }
    /// Whether the client asked for track ids.
    pub fn wants_tracks(&self) -> bool {
        self.track.as_deref() == Some("1")
    }

    /// Which detections the client asked for.
    pub fn detections(&self) -> DetectionChanges {
        let Self { conf, iou, classes, max_det, text, .. } = self;
        changes(*conf, *iou, classes.as_deref(), *max_det, text.as_deref())
    }
}

impl InferQuery {
    /// Which detections the client asked for.
    pub fn detections(&self) -> DetectionChanges {
        let Self { conf, iou, classes, max_det, text, .. } = self;
        changes(*conf, *iou, classes.as_deref(), *max_det, text.as_deref())
    }
}

fn changes(
    conf: Option<f32>,
    iou: Option<f32>,
    classes: Option<&str>,
    max_det: Option<usize>,
    text: Option<&str>,
) -> DetectionChanges {
    let text = match text {
        Some("0") => Some(Switch::Bool(false)),
        Some("1") => Some(Switch::Bool(true)),
        _ => None,
    };
    DetectionChanges {
        conf: conf.map(Some),
        iou: iou.map(Some),
        classes: classes.map(|classes| Some(ClassList::Text(classes.to_owned()))),
        max_det: max_det.map(Some),
        text: text.map(Some),
    }
}
