//! The report on an object, and how it is serialised.

use std::sync::Arc;

use framegate_barcodes::{BarcodeFormat, Content};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// An object found in a frame. Serialised as on the wire: `{"label", "class_id", "score", "x", "y",
/// "w", "h"}` and whatever else is known of it, scores rounded to 5 decimals and pixels to 2,
/// finer than either is meaningful.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(description = "An object found in a frame.")]
pub struct Detection {
    /// Name of the class.
    // Shared with the other detections of the class.
    #[serde(serialize_with = "label", deserialize_with = "shared")]
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
    /// Number of the object in its session, from 1, the same from result to result; only where tracks were asked
    /// for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub track_id: Option<u64>,
    /// The text of a code that was read, or what a second model reads in the box. Of `gs1` content, identifiers are in
    /// parentheses, as printed: `(01)09501101530003(10)AB12`; one that is not made of such elements is as encoded, U+001D
    /// between them. Of `binary` content, each byte is the character of that number (ISO 8859-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<String>,
    /// The symbology of the code whose text it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub format: Option<BarcodeFormat>,
    /// The nature of the text; absent where it is text as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content: Option<Content>,
    /// Its key points, in the order the model has them: `[x, y, score]` in frame pixels, clipped to
    /// the frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "points")]
    #[schema(value_type = Vec<Vec<f32>>)]
    pub keypoints: Vec<[f32; 3]>,
    /// The pixels it covers, if they were asked for and the model has masks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mask: Option<Mask>,
    /// Clockwise rotation in radians, for oriented boxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub angle: Option<f32>,
    /// Corners of an oriented box, or of a code that was read, as `[x, y]` in frame pixels, clockwise from its own
    /// top left one. They may lie outside the frame; `x`, `y`, `w` and `h` enclose them.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "corners")]
    #[schema(nullable = false, value_type = Option<Vec<Vec<f32>>>)]
    pub corners: Option<[[f32; 2]; 4]>,
}

impl Detection {
    /// An object of which nothing but its box is known: `[x, y, width, height]`.
    pub fn of_box(
        label: impl Into<Arc<str>>,
        class_id: usize,
        score: f32,
        [x, y, width, height]: [f32; 4],
    ) -> Self {
        Self {
            label: label.into(),
            class_id,
            score,
            x,
            y,
            width,
            height,
            track_id: None,
            text: None,
            format: None,
            content: None,
            keypoints: Vec::new(),
            mask: None,
            angle: None,
            corners: None,
        }
    }
}

/// The pixels that an object covers, in COCO's uncompressed run-length encoding: `counts` are the
/// lengths of alternating runs outside and inside the object, down the first column, then the next, beginning
/// outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mask {
    /// Height and width of the frame.
    #[schema(value_type = Vec<usize>)]
    pub size: [usize; 2],
    /// Lengths of the runs; their sum is height × width.
    pub counts: Vec<usize>,
}

/// One output of a model, reported where its sidecar says `boxes = "tensors"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tensor {
    /// Name of the output in the model file.
    pub name: String,
    /// Its shape; the first axis is the batch axis, of extent 1.
    pub shape: Vec<usize>,
    /// Its elements, row-major, `null` for what is infinite or not a number. All outputs of a frame
    /// together have at most 16384; of a longer output only the beginning is there.
    pub data: Vec<Option<f32>>,
}

fn label<S: Serializer>(label: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(label)
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

fn points<S: Serializer>(points: &[[f32; 3]], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        points
            .iter()
            .map(|[x, y, score]| [rounded(*x, 1e2), rounded(*y, 1e2), rounded(*score, 1e5)]),
    )
}

fn corners<S: Serializer>(
    corners: &Option<[[f32; 2]; 4]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let corners = corners.iter().flatten();
    serializer.collect_seq(corners.map(|corner| corner.map(|pixels| rounded(pixels, 1e2))))
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
        let detection =
            Detection::of_box("traffic light", 9, 0.123_456_7, [1.0 / 3.0, 2.0, 100.556, 0.1]);
        let json = r#"{"label":"traffic light","class_id":9,"score":0.12346,"x":0.33,"y":2.0,"w":100.56,"h":0.1}"#;
        assert_eq!(serde_json::to_string(&detection).unwrap(), json);
        let more = Detection {
            track_id: Some(7),
            text: Some("(01)1".to_owned()),
            format: Some(BarcodeFormat::Code128),
            content: Some(Content::Gs1),
            keypoints: vec![[1.0, 2.255, 0.5]],
            mask: Some(Mask { size: [2, 3], counts: vec![1, 2, 3] }),
            angle: Some(0.5),
            corners: Some([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]),
            ..detection
        };
        let json = json.strip_suffix('}').unwrap().to_owned()
            + r#","track_id":7,"text":"(01)1","format":"code_128","content":"gs1","keypoints":[[1.0,2.26,0.5]],"mask":{"size":[2,3],"counts":[1,2,3]},"angle":0.5,"corners":[[0.0,1.0],[2.0,3.0],[4.0,5.0],[6.0,7.0]]}"#;
        assert_eq!(serde_json::to_string(&more).unwrap(), json);
        let read: Detection = serde_json::from_str(&json).unwrap();
        assert_eq!((read.track_id, read.mask, read.corners), (Some(7), more.mask, more.corners));
        assert_eq!((read.text, read.format), (more.text, more.format));
    }
}
