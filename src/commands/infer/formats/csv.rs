//! A table with a header, and a row for each detection. An image without detections has none.

use std::io::{self, Write};

use ::csv::{ErrorKind, Writer, WriterBuilder};
use framegate_barcodes::{BarcodeFormat, Content};
use serde::Serialize;

use super::{ResultWriter, pixels, place_of, result_of, score};
use crate::commands::CommandError;
use crate::engine::FinishedFrame;

pub(super) struct Csv<'a> {
    out: Writer<&'a mut dyn Write>,
}

/// A row, in the order of [`HEADER`].
#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    /// Empty except for frames of a video, as the time is.
    frame_index: Option<u64>,
    time_ms: Option<f64>,
    width: usize,
    height: usize,
    label: &'a str,
    class_id: usize,
    score: f64,
    x: f64,
    y: f64,
    w: f64,
    h: f64,
    /// Empty unless something was read in the box, as what follows is.
    text: Option<&'a str>,
    format: Option<BarcodeFormat>,
    content: Option<Content>,
    /// Empty unless the box is oriented.
    angle: Option<f32>,
}

/// The header, which is there without a row too.
const HEADER: [&str; 16] = [
    "file",
    "frame_index",
    "time_ms",
    "width",
    "height",
    "label",
    "class_id",
    "score",
    "x",
    "y",
    "w",
    "h",
    "text",
    "format",
    "content",
    "angle",
];

impl<'a> Csv<'a> {
    pub(super) fn begin(out: &'a mut dyn Write) -> Result<Self, CommandError> {
        let mut out = WriterBuilder::new().has_headers(false).from_writer(out);
        out.write_record(HEADER).map_err(io_error)?;
        Ok(Self { out })
    }
}

impl ResultWriter for Csv<'_> {
    fn write(&mut self, frame: &FinishedFrame) -> Result<(), CommandError> {
        let Some(result) = result_of(frame) else { return Ok(()) };
        let (file, place) = place_of(&frame.tag);
        for detection in &result.detections {
            let row = Row {
                file: &file,
                frame_index: place.map(|place| place.frame_index),
                time_ms: place.map(|place| place.time_ms),
                width: result.size.width,
                height: result.size.height,
                label: &detection.label,
                class_id: detection.class_id,
                score: score(detection.score),
                x: pixels(detection.x),
                y: pixels(detection.y),
                w: pixels(detection.width),
                h: pixels(detection.height),
                text: detection.text.as_deref(),
                format: detection.format,
                content: detection.content,
                angle: detection.angle,
            };
            self.out.serialize(row).map_err(io_error)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CommandError> {
        Ok(self.out.flush()?)
    }

    fn finish(mut self: Box<Self>, _: bool) -> Result<(), CommandError> {
        self.flush()
    }
}

/// Only the system can fail: rows are of one length.
fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
