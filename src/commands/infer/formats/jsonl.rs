//! A JSON object on a line for each frame: what was detected, or why nothing could be.

use std::io::{BufWriter, Write};

use serde::Serialize;

use super::{ResultWriter, VideoPosition, place_of};
use crate::commands::CommandError;
use crate::engine::{FinishedFrame, FrameErrorCode, TimingsMs};
use crate::stages::{Detection, Tensor};

pub(super) struct JsonLines<'a> {
    out: BufWriter<&'a mut dyn Write>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Result {
        file: String,
        #[serde(flatten)]
        place: Option<VideoPosition>,
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
        place: Option<VideoPosition>,
        error: FrameErrorCode,
        detail: &'a str,
    },
}

impl<'a> JsonLines<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out: BufWriter::new(out) }
    }
}

impl ResultWriter for JsonLines<'_> {
    fn write(&mut self, frame: &FinishedFrame) -> Result<(), CommandError> {
        let (file, place) = place_of(&frame.tag);
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
            Err(failure) => {
                Line::Failure { file, place, error: failure.code, detail: &failure.detail }
            }
        };
        serde_json::to_writer(&mut self.out, &line).map_err(std::io::Error::from)?;
        Ok(self.out.write_all(b"\n")?)
    }

    fn flush(&mut self) -> Result<(), CommandError> {
        Ok(self.out.flush()?)
    }

    fn finish(mut self: Box<Self>, _: bool) -> Result<(), CommandError> {
        self.flush()
    }
}
