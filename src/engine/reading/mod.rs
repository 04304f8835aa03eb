//! The second look at a frame: reads the codes that were detected in it.
//!
//! ```text
//! detections of codes, best first ─▶ parts of the frame as it was sent ─▶ framegate-barcodes ─▶ texts
//! ```
//!
//! A live stream remembers what it has read (`known.rs`), so that a code is read once as long as it is seen.

mod known;
mod look;
mod part;

use std::time::{Duration, Instant};

use framegate_barcodes::{Barcode, CAN_READ, Content, Kind};
use framegate_models::Detector;
use framegate_models::detector::SecondStage;

use super::frame::{FramePayload, FrameResult};
use super::panics;
use crate::stages::{
    DecodeError, DecodeLimits, Detection, GreyFrame, PixelRows, RgbImage, Stage, YuvImage,
};
pub(crate) use known::KnownCodes;
pub(crate) use look::Thumbnail;
use part::{Margin, Part};

/// Time that the codes of a frame may take when they are read from files.
const OFFLINE_BUDGET: Duration = Duration::from_millis(500);

/// A frame as it came.
#[derive(Clone, Copy)]
pub(crate) enum FrameView<'a> {
    Jpeg(&'a [u8]),
    Image(&'a RgbImage),
    Yuv(&'a YuvImage),
    Rows(&'a dyn PixelRows),
}

impl<'a> From<&'a FramePayload> for FrameView<'a> {
    fn from(payload: &'a FramePayload) -> Self {
        match payload {
            FramePayload::Jpeg(jpeg) => Self::Jpeg(jpeg),
            FramePayload::Image(image) => Self::Image(image),
            FramePayload::Yuv(image) => Self::Yuv(image),
        }
    }
}

/// Reads the codes of one detector.
#[derive(Debug)]
pub struct CodeReader {
    /// By class number; `None` for any.
    kinds: Vec<Option<Kind>>,
    limits: DecodeLimits,
}

impl CodeReader {
    /// A reader for a detector of codes; `None` for any other, and in a build without decoders.
    pub fn of(detector: &Detector, limits: DecodeLimits) -> Option<Self> {
        let reads = CAN_READ && detector.second == Some(SecondStage::Codes);
        let kinds = detector.labels.iter().map(|label| Kind::of_label(label)).collect();
        reads.then_some(Self { kinds, limits })
    }

    /// Reads all codes of a frame that can wait. If that panics, it keeps what was read before.
    pub(crate) fn read_all(&self, pixels: FrameView<'_>, result: &mut FrameResult) {
        let FrameResult { detections, timings, .. } = result;
        if detections.is_empty() {
            return;
        }
        // The hook reports a panic.
        let _ = panics::contain("reading", || {
            timings.measure(Stage::Read, || {
                self.read(pixels, detections, Instant::now() + OFFLINE_BUDGET);
            });
        });
    }

    /// Reads the codes that these detections of a frame are, the highest score first, until the deadline. What cannot be
    /// read stays without a text.
    pub(crate) fn read<'a>(
        &self,
        pixels: FrameView<'_>,
        detections: impl IntoIterator<Item = &'a mut Detection>,
        deadline: Instant,
    ) {
        match self.frame(pixels, deadline) {
            Ok(frame) => {
                let mut unread: Vec<_> = detections.into_iter().collect();
                for margin in Margin::ALL {
                    unread
                        .iter_mut()
                        .for_each(|found| self.read_one(&frame, found, margin, deadline));
                    unread.retain(|found| found.text.is_none());
                }
            }
            // It was decoded before; there is no time to do so again.
            Err(error) => tracing::debug!("a frame's codes are not read: {error}"),
        }
    }

    fn frame<'a>(
        &self,
        pixels: FrameView<'a>,
        deadline: Instant,
    ) -> Result<GreyFrame<'a>, DecodeError> {
        match pixels {
            FrameView::Jpeg(jpeg) => GreyFrame::of_jpeg(jpeg, &self.limits, deadline),
            FrameView::Image(image) => Ok(GreyFrame::of_image(image)),
            FrameView::Yuv(image) => Ok(GreyFrame::of_yuv(image)),
            FrameView::Rows(rows) => Ok(GreyFrame::of_rows(rows)),
        }
    }

    fn read_one(
        &self,
        frame: &GreyFrame<'_>,
        detection: &mut Detection,
        margin: Margin,
        deadline: Instant,
    ) {
        let kinds = match self.kinds.get(detection.class_id) {
            Some(Some(kind)) => std::slice::from_ref(kind),
            _ => &Kind::ALL,
        };
        for &kind in kinds {
            if Instant::now() >= deadline {
                return;
            }
            let part = Part::of(frame, detection, kind, margin);
            let found = framegate_barcodes::read(&part.image, kind, deadline);
            let Some(Barcode { text, format, content, corners }) = found else { continue };
            detection.text = Some(text);
            detection.format = Some(format);
            detection.content = (content != Content::Text).then_some(content);
            detection.corners = corners.map(|corners| corners.map(|at| part.on_frame(at)));
            return;
        }
    }
}
