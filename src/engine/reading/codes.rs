//! Reads the codes that were detected, with the decoders of `framegate-barcodes`.

use std::time::Instant;

use framegate_barcodes::{Barcode, Budget, Content, Kind, Pace};
use framegate_models::Detector;

use super::halves::whole;
use super::part::{Margin, Part};
use crate::engine::frame::Frame;
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
        pixels: Frame<'_>,
        mut unread: Vec<&mut Detection>,
        deadline: Instant,
    ) -> Result<(), DecodeError> {
        let frame = self.frame(pixels, deadline)?;
        let budget = Budget::until(deadline, &self.pace);
        // First, as a half takes the longest of all: every attempt at it fails.
        self.read_halves(&frame, &mut unread, budget);
        for margin in Margin::ALL {
            unread.iter_mut().for_each(|found| self.read_one(&frame, found, margin, budget));
            unread.retain(|found| found.text.is_none());
        }
        Ok(())
    }

    /// Reads square codes that are in two boxes, and takes both from those to read. The better box has the text.
    fn read_halves(
        &self,
        frame: &GreyFrame<'_>,
        unread: &mut Vec<&mut Detection>,
        budget: Budget<'_>,
    ) {
        let mut index = 0;
        while index < unread.len() {
            match self.read_half(frame, unread[index], &unread[index + 1..], budget) {
                Some((other, whole)) => {
                    unread.remove(index + 1 + other);
                    let better = unread.remove(index);
                    let Detection { text, format, content, corners, .. } = whole;
                    (better.text, better.format) = (text, format);
                    (better.content, better.corners) = (content, corners);
                }
                None => index += 1,
            }
        }
    }

    /// The code of which this box is one half and one of the others the other, with its text.
    fn read_half(
        &self,
        frame: &GreyFrame<'_>,
        half: &Detection,
        others: &[&mut Detection],
        budget: Budget<'_>,
    ) -> Option<(usize, Detection)> {
        let kind = (*self.kinds.get(half.class_id)?)?;
        let mut wholes = others.iter().enumerate();
        let (other, mut whole) =
            wholes.find_map(|(index, other)| Some((index, whole(kind, half, other)?)))?;
        self.read_one(frame, &mut whole, Margin::Default, budget);
        whole.text.is_some().then_some((other, whole))
    }

    fn frame<'a>(
        &self,
        pixels: Frame<'a>,
        deadline: Instant,
    ) -> Result<GreyFrame<'a>, DecodeError> {
        match pixels {
            Frame::Jpeg(jpeg) => GreyFrame::of_jpeg(jpeg, &self.limits, deadline),
            Frame::Image(image) => Ok(GreyFrame::of_image(image)),
            Frame::Yuv(image) => Ok(GreyFrame::of_yuv(image)),
            Frame::Rows(rows) => Ok(GreyFrame::of_rows(rows)),
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
