//! The JSON line printed for a frame.

use std::io::{self, Write};

use serde::Serialize;

use crate::engine::{FinishedFrame, FrameErrorCode, TimingsMs};
use crate::stages::{Detection, Tensor};

/// A line: what was detected, or why nothing could be.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Result {
        file: String,
        width: usize,
        height: usize,
        detections: &'a [Detection],
        #[serde(skip_serializing_if = "<[Tensor]>::is_empty")]
        tensors: &'a [Tensor],
        timings_ms: TimingsMs,
    },
    Failure {
        file: String,
        error: FrameErrorCode,
        detail: &'a str,
    },
}

/// Writes the line of a frame.
pub(super) fn write(out: &mut impl Write, frame: &FinishedFrame) -> io::Result<()> {
    let file = frame.tag.to_string();
    let line = match &frame.result {
        Ok(result) => Line::Result {
            file,
            width: result.size.width,
            height: result.size.height,
            detections: &result.detections,
            tensors: &result.tensors,
            timings_ms: result.timings.into(),
        },
        Err(failure) => Line::Failure { file, error: failure.code, detail: &failure.detail },
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
