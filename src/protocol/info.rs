//! Answers to questions about the server: `/info`, `/pipelines`, `/readyz`.

use framegate_models::Size;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::messages::size_schema;

/// `GET /info`: what runs here, and within which limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Info {
    /// Name of this program.
    #[schema(example = "framegate")]
    pub name: String,
    /// Version of this program.
    pub version: String,
    /// The backend that runs the models.
    #[schema(example = "simd")]
    pub backend: String,
    /// The device that the backend runs on.
    pub device: String,
    /// Model of the default pipeline.
    pub model: String,
    /// Every pipeline, the default first.
    pub pipelines: Vec<PipelineInfo>,
    /// Limits on frames and sessions.
    pub limits: LimitsInfo,
    /// Drop rates at which a session is paced and warned.
    pub thresholds: ThresholdsInfo,
    /// Settings that somebody chose, and where; the rest are defaults.
    #[serde(default)]
    pub settings: Vec<SettingInfo>,
}

/// A pipeline and where its model comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PipelineInfo {
    /// Value for `pipeline_id`.
    pub id: String,
    /// Name of the model.
    pub model: String,
    /// The backend that runs it.
    #[serde(default)]
    #[schema(example = "simd")]
    pub backend: String,
    /// Lowest score of a detection.
    #[serde(default)]
    pub confidence: f32,
    /// Overlap above which the lower-scoring of two boxes is dropped.
    #[serde(default)]
    pub iou: f32,
    /// Whether what is in the boxes is read.
    #[serde(default)]
    pub text: bool,
    /// The second stage that reads it: `codes`, or the name of another model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "codes")]
    pub second: Option<String>,
    /// Licence of the model, if known.
    pub licence: Option<String>,
    /// Where the model was published, if known.
    pub source: Option<String>,
    /// What was guessed about the model, each with how to say otherwise.
    #[serde(default)]
    pub guesses: Vec<String>,
}

/// A setting that is not a default. Passwords are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingInfo {
    /// Name of the option, as a configuration file has it.
    #[schema(example = "stream_max_sessions")]
    pub name: String,
    /// Its value; several are separated by commas.
    #[schema(example = "12")]
    pub value: String,
    #[schema(inline)]
    pub set_by: SetBy,
    /// Line of the configuration file, if that has set it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<usize>,
}

/// The place that a setting comes from; each overrides those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    /// The configuration file.
    File,
    /// An environment variable.
    Variable,
    /// An option on the command line.
    Option,
}

/// Limits on frames and sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsInfo {
    /// Largest frame that is accepted, in bytes.
    pub max_frame_bytes: usize,
    /// Largest width of a frame, in pixels.
    pub max_frame_width: usize,
    /// Largest height of a frame, in pixels.
    pub max_frame_height: usize,
    /// Largest number of pixels of a frame.
    pub max_frame_pixels: usize,
    /// A frame older than this when its turn comes is dropped as `stale`.
    pub max_frame_age_ms: u64,
    /// Largest number of frames run through a model at once.
    pub max_batch: usize,
    /// Number of sessions the server is meant for.
    pub recommended_sessions: usize,
    /// Whether sessions beyond that number are refused.
    pub sessions_enforced: bool,
}

/// Drop rates, 0 to 1, at which a session is paced and warned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThresholdsInfo {
    /// From this drop rate on, frames are paced.
    pub drop: f64,
    /// From this drop rate on, the client is asked to slow down.
    pub slow_down: f64,
}

/// `GET /pipelines`: what a session can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PipelineList {
    /// Every pipeline, the default first.
    pub pipelines: Vec<PipelineEntry>,
}

/// A pipeline that a session can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PipelineEntry {
    /// Value for `pipeline_id`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Name of the model.
    pub model: String,
    /// Name of each class, by class number.
    pub labels: Vec<String>,
    /// Size of the model's input.
    #[schema(schema_with = size_schema)]
    pub input: Size,
}

/// `GET /readyz`: whether frames are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    #[schema(inline)]
    pub status: ReadinessStatus,
    /// Sessions that are open.
    pub sessions: usize,
    /// Number of sessions the server is meant for.
    pub recommended_sessions: usize,
    /// Whether more sessions are open than recommended.
    pub over_recommended: bool,
}

/// Whether a server accepts frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessStatus {
    /// The models are being loaded.
    Starting,
    /// Frames are accepted.
    Ready,
    /// Frames are accepted; a device was lost, and another backend has taken its place.
    Degraded,
    /// Frames are not answered: no device is left that works, or a batch takes far longer than the average.
    Failing,
    /// There are as many sessions as recommended; only if asked for room for a new one.
    Full,
    /// The server is shutting down.
    Draining,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_written_as_the_protocol_says() {
        let list = PipelineList {
            pipelines: vec![PipelineEntry {
                id: "codes".to_owned(),
                name: "codes".to_owned(),
                model: "codes-1".to_owned(),
                labels: vec!["qr_code".to_owned()],
                input: Size { width: 320, height: 256 },
            }],
        };
        let json = r#"{"pipelines":[{"id":"codes","name":"codes","model":"codes-1","labels":["qr_code"],"input":{"width":320,"height":256}}]}"#;
        assert_eq!(serde_json::to_string(&list).unwrap(), json);
        assert_eq!(serde_json::from_str::<PipelineList>(json).unwrap(), list);

        let readiness = Readiness {
            status: ReadinessStatus::Ready,
            sessions: 2,
            recommended_sessions: 1,
            over_recommended: true,
        };
        let json =
            r#"{"status":"ready","sessions":2,"recommended_sessions":1,"over_recommended":true}"#;
        assert_eq!(serde_json::to_string(&readiness).unwrap(), json);
        assert_eq!(serde_json::from_str::<Readiness>(json).unwrap(), readiness);
    }

    #[test]
    fn info_has_the_keys_of_the_protocol() {
        let json = r#"{"name":"framegate","version":"1","backend":"simd","device":"d","model":"m","pipelines":[{"id":"p","model":"m","backend":"simd","confidence":0.25,"iou":0.5,"text":false,"licence":null,"source":"s","guesses":["g"]}],"limits":{"max_frame_bytes":1,"max_frame_width":2,"max_frame_height":3,"max_frame_pixels":4,"max_frame_age_ms":5,"max_batch":6,"recommended_sessions":7,"sessions_enforced":false},"thresholds":{"drop":0.1,"slow_down":0.3},"settings":[{"name":"port","value":"1","set_by":"file","line":3},{"name":"host","value":"::1","set_by":"option"}]}"#;
        let info: Info = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&info).unwrap(), json);
    }
}
