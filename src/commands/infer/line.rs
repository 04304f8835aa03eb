//! The line printed for a frame.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::engine::{FinishedFrame, FrameErrorCode, Timings};
use crate::stages::Detection;

/// The JSON object of a frame.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Result {
        file: String,
        width: usize,
        height: usize,
        detections: &'a [Detection],
        timings_ms: TimingsMs,
    },
    Failure {
        file: String,
        error: FrameErrorCode,
        detail: &'a str,
    },
}

/// Milliseconds in each stage, and their sum.
#[derive(Serialize)]
struct TimingsMs {
    decode: f64,
    resize: f64,
    normalise: f64,
    inference: f64,
    postprocess: f64,
    total: f64,
}

/// Writes a frame's line.
pub(super) fn write(out: &mut impl Write, frame: &FinishedFrame) -> io::Result<()> {
    let file = frame.origin.to_string();
    let line = match &frame.result {
        Ok(result) => Line::Result {
            file,
            width: result.size.width,
            height: result.size.height,
            detections: &result.detections,
            timings_ms: result.timings.into(),
        },
        Err(failure) => Line::Failure { file, error: failure.code, detail: &failure.detail },
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

impl From<Timings> for TimingsMs {
    fn from(timings: Timings) -> Self {
        let Timings { preprocess, inference, postprocess } = timings;
        let stages =
            [preprocess.decode, preprocess.resize, preprocess.normalise, inference, postprocess];
        let [decode, resize, normalise, inference, postprocess] = stages.map(milliseconds);
        let total = milliseconds(stages.iter().sum());
        Self { decode, resize, normalise, inference, postprocess, total }
    }
}

/// To the microsecond: more digits would be noise.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
