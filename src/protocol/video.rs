//! Messages about video files: the lines and answers of `/video/…`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::{DetectionResult, HttpErrorCode};
use crate::stages::milliseconds;

/// Query parameters of `POST /video/process`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VideoQuery {
    /// The pipeline that runs the frames; by default the server's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// Take every Nth frame, beginning with the first; by default each.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1)]
    pub frame_stride: Option<u64>,
    /// Take at most N frames; by default all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1)]
    pub max_frames: Option<u64>,
}

/// A line of the answer to `POST /video/process`: first the video, then its frames in order, last how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[non_exhaustive]
pub enum VideoLine {
    /// The video that was sent.
    Video(VideoHeader),
    /// Detections in a frame.
    Result(VideoFrameResult),
    /// A frame failed.
    Failure(VideoFrameFailure),
    /// All frames were processed.
    Done(VideoDone),
    /// The rest of the video cannot be processed.
    Error(VideoError),
}

/// The video that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoHeader {
    /// The video.
    pub video: VideoDescription,
}

/// A video, as far as its file says before it is decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoDescription {
    /// Width of the upright frame, in pixels.
    pub width: usize,
    /// Height of the upright frame, in pixels.
    pub height: usize,
    /// Number of frames.
    pub frames: Option<u64>,
    /// Frames per second, on average.
    pub fps: Option<f64>,
    /// Its codec.
    pub codec: String,
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<f64>,
}

/// Detections in a frame of a video.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoFrameResult {
    /// Number of the frame in the video, from 0.
    pub frame_index: u64,
    /// When the frame is shown, in milliseconds from the beginning.
    pub time_ms: f64,
    /// The detections.
    pub result: DetectionResult,
}

/// A frame of a video failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VideoFrameFailure {
    /// Number of the frame in the video, from 0.
    pub frame_index: u64,
    /// Kind of failure.
    pub error: HttpErrorCode,
    /// The same as a phrase for people.
    pub detail: String,
}

/// All frames were processed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoDone {
    /// How it went.
    pub done: VideoTotals,
}

/// How the frames of a video went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoTotals {
    /// Frames that were taken.
    pub frames: u64,
    /// Those with a result.
    pub results: u64,
    /// Those that failed.
    pub failed: u64,
    /// Seconds since the video had arrived, with those in which a job waited or the server was away.
    pub seconds: f64,
}

/// The rest of a video cannot be processed: the last line in place of the totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VideoError {
    /// Kind of failure.
    pub error: HttpErrorCode,
    /// The same as a phrase for people.
    pub detail: String,
}

/// The answer to `POST /video/process` with `Accept: application/json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoResults {
    /// Every frame with a result, in order.
    pub results: Vec<VideoResultEntry>,
}

/// A frame with a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoResultEntry {
    /// Number of the frame in the video, from 0.
    pub frame_index: u64,
    /// The detections.
    pub result: DetectionResult,
}

/// One video file, as the body of a request. Here for its schema alone.
#[derive(Debug, Clone, Copy)]
pub struct VideoFile;

impl PartialSchema for VideoFile {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .content_media_type("video/mp4")
            .description(Some("One whole video file."))
            .into()
    }
}

impl ToSchema for VideoFile {}

/// A form with one video file. Here for its schema alone.
#[derive(Debug, Clone, Copy, ToSchema)]
pub struct VideoForm {
    /// The field may have any name; the first file is taken.
    #[expect(dead_code, reason = "only its schema is used")]
    file: VideoFile,
}

impl VideoLine {
    /// Detections in a frame.
    pub fn result(frame_index: u64, time: Duration, result: DetectionResult) -> Self {
        Self::Result(VideoFrameResult { frame_index, time_ms: milliseconds(time), result })
    }

    /// The line as JSON text, with its end.
    pub fn to_json(&self) -> String {
        let mut line =
            serde_json::to_string(self).expect("lines hold nothing that JSON cannot express");
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<(VideoLine, &'static str)> {
        let description = VideoDescription {
            width: 768,
            height: 432,
            frames: Some(377),
            fps: Some(10.0),
            codec: "h264".to_owned(),
            duration_ms: Some(37_700.0),
        };
        let result =
            DetectionResult { width: 768, height: 432, detections: vec![], tensors: vec![] };
        let totals = VideoTotals { frames: 377, results: 376, failed: 1, seconds: 4.25 };
        vec![
            (
                VideoLine::Video(VideoHeader { video: description }),
                r#"{"video":{"width":768,"height":432,"frames":377,"fps":10.0,"codec":"h264","duration_ms":37700.0}}"#,
            ),
            (
                VideoLine::result(0, Duration::ZERO, result),
                r#"{"frame_index":0,"time_ms":0.0,"result":{"width":768,"height":432,"detections":[]}}"#,
            ),
            (
                VideoLine::Failure(VideoFrameFailure {
                    frame_index: 1,
                    error: HttpErrorCode::DecodeFailed,
                    detail: "cut off".to_owned(),
                }),
                r#"{"frame_index":1,"error":"decode_failed","detail":"cut off"}"#,
            ),
            (
                VideoLine::Done(VideoDone { done: totals }),
                r#"{"done":{"frames":377,"results":376,"failed":1,"seconds":4.25}}"#,
            ),
            (
                VideoLine::Error(VideoError {
                    error: HttpErrorCode::Draining,
                    detail: "The server is shutting down".to_owned(),
                }),
                r#"{"error":"draining","detail":"The server is shutting down"}"#,
            ),
        ]
    }

    #[test]
    fn lines_are_written_and_read_as_the_protocol_says() {
        for (line, json) in lines() {
            assert_eq!(line.to_json(), format!("{json}\n"));
            assert_eq!(serde_json::from_str::<VideoLine>(json).unwrap(), line);
        }
    }
}
