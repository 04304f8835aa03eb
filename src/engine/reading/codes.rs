//! Reads the codes that were detected, with the decoders of `framegate-barcodes`.

use std::time::Instant;

use framegate_barcodes::{Barcode, Content, Kind};
use framegate_models::Detector;

use super::FrameView;
use super::part::{Margin, Part};
use crate::stages::{DecodeError, DecodeLimits, Detection, GreyFrame};

/// Reads the codes of one detector.
#[derive(Debug)]
pub(super) struct CodeReader {
    /// By class number; `None` for any.
    kinds: Vec<Option<Kind>>,
    limits: DecodeLimits,
}

impl CodeReader {
    pub(super) fn new(detector: &Detector, limits: DecodeLimits) -> Self {
        let kinds = detector.labels.iter().map(|label| Kind::of_label(label)).collect();
        Self { kinds, limits }
    }

    /// Reads the codes that these detections of a frame are, the highest score first, until the deadline.
    ///
    /// # Errors
    /// [`DecodeError`]: there is no frame to read in.
    pub(super) fn read(
        &self,
        pixels: FrameView<'_>,
        mut unread: Vec<&mut Detection>,
        deadline: Instant,
    ) -> Result<(), DecodeError> {
        let frame = self.frame(pixels, deadline)?;
        for margin in Margin::ALL {
            unread.iter_mut().for_each(|found| self.read_one(&frame, found, margin, deadline));
            unread.retain(|found| found.text.is_none());
        }
        Ok(())
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
