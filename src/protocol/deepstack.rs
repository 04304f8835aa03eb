//! Answers of the detection API of DeepStack and CodeProject.AI.
//!
//! It is described by its makers, so it is not in this server's OpenAPI document.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::stages::{Detection, Stage, StageTimes, milliseconds};

/// The answer to `POST /v1/vision/detection`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// True.
    pub success: bool,
    /// Highest confidence first.
    pub predictions: Vec<Prediction>,
    /// From the image's last byte to the answer, in seconds.
    pub duration: f64,
    /// Time of the inference, in whole milliseconds.
    #[serde(rename = "inferenceMs")]
    pub inference_ms: u64,
    /// [`Predictions::duration`] in whole milliseconds.
    #[serde(rename = "processMs")]
    pub process_ms: u64,
    /// 200.
    pub code: u16,
}

/// The answer to `POST /v1/vision/custom/list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelList {
    /// True.
    pub success: bool,
    /// Names of pipelines, which are the last part of a path.
    pub models: Vec<String>,
    /// 200.
    pub code: u16,
}

/// An object found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Name of the class.
    pub label: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Left edge in whole pixels of the image as it was sent.
    pub x_min: i64,
    /// Top edge.
    pub y_min: i64,
    /// Right edge.
    pub x_max: i64,
    /// Bottom edge.
    pub y_max: i64,
}

/// A refusal or failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// False.
    pub success: bool,
    /// The reason, as a sentence for people.
    pub error: String,
    /// The status of the answer.
    pub code: u16,
}

impl Predictions {
    /// The answer for an image that took this long.
    pub fn new(predictions: Vec<Prediction>, times: &StageTimes, total: Duration) -> Self {
        Self {
            success: true,
            predictions,
            duration: milliseconds(total) / 1000.0,
            inference_ms: milliseconds(times[Stage::Inference]).round() as u64,
            process_ms: milliseconds(total).round() as u64,
            code: 200,
        }
    }
}

impl From<&Detection> for Prediction {
    fn from(found: &Detection) -> Self {
        let whole = |pixels: f32| pixels.round() as i64;
        Self {
            label: found.label.to_string(),
            confidence: (f64::from(found.score) * 1e5).round() / 1e5,
            x_min: whole(found.x),
            y_min: whole(found.y),
            x_max: whole(found.x + found.width),
            y_max: whole(found.y + found.height),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_is_written_as_its_clients_read_it() {
        let found = Detection::of_box("dog", 3, 0.876_543, [10.4, 20.6, 30.2, 40.0]);
        let json =
            r#"{"label":"dog","confidence":0.87654,"x_min":10,"y_min":21,"x_max":41,"y_max":61}"#;
        assert_eq!(serde_json::to_string(&Prediction::from(&found)).unwrap(), json);
    }
}
