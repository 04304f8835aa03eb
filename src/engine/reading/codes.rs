//! Reads the codes that were detected, with the decoders of `framegate-barcodes`.

use std::time::Instant;

use framegate_barcodes::{Barcode, Budget, Content, Kind, Pace};
use framegate_models::Detector;

use super::FrameView;
use super::halves::whole;
use super::part::{Margin, Part};
use crate::stages::{DecodeError, DecodeLimits, Detection, GreyFrame};

/// Reads the codes of one detector.
#[derive(Debug)]
pub(super) struct CodeReader {
    /// By class number; `None` for any.
    kinds: Vec<Option<Kind>>,
    limits: DecodeLimits,
    pace: Pace,
}

impl CodeReader {
    pub(super) fn new(detector: &Detector, limits: DecodeLimits) -> Self {
        let kinds = detector.labels.iter().map(|label| Kind::of_label(label)).collect();
        Self { kinds, limits, pace: Pace::default() }
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
        let budget = Budget::until(deadline, &self.pace);
        for margin in Margin::ALL {
            unread.iter_mut().for_each(|found| self.read_one(&frame, found, margin, budget));
            unread.retain(|found| found.text.is_none());
        }
        self.read_halves(&frame, unread, budget);
        Ok(())
    }

    /// Reads square codes that are in two boxes. The better box has the text.
    fn read_halves(
        &self,
        frame: &GreyFrame<'_>,
        mut unread: Vec<&mut Detection>,
        budget: Budget<'_>,
    ) {
        while !unread.is_empty() {
            let better = unread.remove(0);
            let Some(Some(kind)) = self.kinds.get(better.class_id) else { continue };
            let mut others = unread.iter().enumerate();
            let whole =
                others.find_map(|(index, other)| Some((index, whole(*kind, better, other)?)));
            let Some((index, mut whole)) = whole else { continue };
            self.read_one(frame, &mut whole, Margin::Default, budget);
            if whole.text.is_some() {
                unread.remove(index);
                let Detection { text, format, content, corners, .. } = whole;
                (better.text, better.format) = (text, format);
                (better.content, better.corners) = (content, corners);
            }
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
        budget: Budget<'_>,
    ) {
        let kinds = match self.kinds.get(detection.class_id) {
            Some(Some(kind)) => std::slice::from_ref(kind),
            _ => &Kind::ALL,
        };
        for &kind in kinds {
            if budget.is_spent() {
                return;
            }
            let part = Part::of(frame, detection, kind, margin);
            let found = framegate_barcodes::read(&part.image, kind, budget);
            let Some(Barcode { text, format, content, corners }) = found else { continue };
            detection.text = Some(text);
            detection.format = Some(format);
            detection.content = (content != Content::Text).then_some(content);
            detection.corners = corners.map(|corners| corners.map(|at| part.on_frame(at)));
            return;
        }
    }
}
