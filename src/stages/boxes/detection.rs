//! What is reported about an object, and how it is serialised.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// An object found in a frame. Serialised as on the wire: `{"label", "class_id", "score", "x", "y",
/// "w", "h"}`, scores rounded to 5 decimals and pixels to 2, finer than either is meaningful.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Detection {
    /// Name of the class; shared with the other detections of the class.
    #[serde(serialize_with = "text", deserialize_with = "shared")]
    #[schema(value_type = String)]
    pub label: Arc<str>,
    /// Class number, an index into the detector's labels.
    pub class_id: usize,
    /// Confidence, 0 to 1.
    #[serde(serialize_with = "score")]
    pub score: f32,
    /// Left edge in frame pixels.
    #[serde(serialize_with = "pixels")]
    pub x: f32,
    /// Top edge in frame pixels.
    #[serde(serialize_with = "pixels")]
    pub y: f32,
    /// Width in frame pixels, above 0; the box does not leave the frame.
    #[serde(rename = "w", serialize_with = "pixels")]
    pub width: f32,
    /// Height in frame pixels, above 0; the box does not leave the frame.
    #[serde(rename = "h", serialize_with = "pixels")]
    pub height: f32,
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Arc::from)
}

fn score<S: Serializer>(score: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(*score, 1e5))
}

fn pixels<S: Serializer>(pixels: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(*pixels, 1e2))
}

/// Rounds to `1 / steps`; in `f64`, so that the decimal fraction prints short.
fn rounded(value: f32, steps: f64) -> f64 {
    (f64::from(value) * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detection_is_serialised_as_the_protocol_says() {
        let detection = Detection {
            label: "traffic light".into(),
            class_id: 9,
            score: 0.123_456_7,
            x: 1.0 / 3.0,
            y: 2.0,
            width: 100.556,
            height: 0.1,
        };
        assert_eq!(
            serde_json::to_string(&detection).unwrap(),
            r#"{"label":"traffic light","class_id":9,"score":0.12346,"x":0.33,"y":2.0,"w":100.56,"h":0.1}"#
        );
    }
}
