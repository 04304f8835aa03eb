//! The JSON line printed for a frame.

use std::io::{self, Write};

use serde::Serialize;

use crate::engine::{FinishedFrame, FrameErrorCode, FrameOrigin, TimingsMs};
use crate::stages::{Detection, Tensor, milliseconds};

/// A line: what was detected, or why nothing could be.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Result {
        file: String,
        #[serde(flatten)]
        place: Option<Place>,
        width: usize,
        height: usize,
        detections: &'a [Detection],
        #[serde(skip_serializing_if = "<[Tensor]>::is_empty")]
        tensors: &'a [Tensor],
        timings_ms: TimingsMs,
    },
    Failure {
        file: String,
        #[serde(flatten)]
        place: Option<Place>,
        error: FrameErrorCode,
        detail: &'a str,
    },
}

/// Where a frame of a video is.
#[derive(Serialize)]
struct Place {
    frame_index: u64,
    time_ms: f64,
}

/// Writes the line of a frame.
pub(super) fn write(out: &mut impl Write, frame: &FinishedFrame) -> io::Result<()> {
    let (file, place) = match &frame.tag {
        FrameOrigin::Video { path, index, time } => {
            let place = Place { frame_index: *index, time_ms: milliseconds(*time) };
            (path.display().to_string(), Some(place))
        }
        origin => (origin.to_string(), None),
    };
    let line = match &frame.result {
        Ok(result) => Line::Result {
            file,
            place,
            width: result.size.width,
            height: result.size.height,
            detections: &result.detections,
            tensors: &result.tensors,
            timings_ms: result.timings.into(),
        },
        Err(failure) => Line::Failure { file, place, error: failure.code, detail: &failure.detail },
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
