//! The second look at a frame: reads what is in the boxes that were detected in it.
//!
//! ```text
//! detections, best first ─▶ parts of the frame as it was sent ┬▶ framegate-barcodes ─▶ texts of codes
//!                                                             └▶ a second model ─────▶ its texts
//! ```
//!
//! A live stream remembers what it has read (`known.rs`), so that a text is not read again as long as it is seen.

mod codes;
mod halves;
mod known;
mod look;
mod model;
mod part;

use std::sync::Arc;
use std::time::{Duration, Instant};

use framegate_backend_api::Session;
pub(crate) use framegate_barcodes::CAN_READ;
pub use framegate_barcodes::{BarcodeFormat, Content};
use framegate_models::Detector;
use framegate_models::detector::SecondStage;
use framegate_models::layouts::LayoutError;

use super::frame::{Frame, FrameResult};
use super::panics;
use crate::stages::{DecodeOptions, Detection, Stage};
use codes::CodeReader;
pub(crate) use known::KnownTexts;
pub(crate) use look::Thumbnail;
use model::{ModelReadError, ModelReader};

/// Most boxes that a second model sees at once; its session must have been loaded for this many.
pub const SECOND_BATCH: usize = 4;
/// A text that a model has read is read again after this long: the digits of a display change, and look nearly the same.
const MODEL_LIFETIME: Duration = Duration::from_secs(1);

/// How the second stage of a detector is run on frames that can wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReadOptions {
    /// Lowest score of a box that is read, 0 to 1.
    pub least_score: f32,
    /// Time for the boxes of a frame; those left over have no text.
    pub budget: Duration,
}

impl ReadOptions {
    /// Every box, within half a second.
    pub const DEFAULT: Self = Self { least_score: 0.0, budget: Duration::from_millis(500) };
}

/// The second stage of one detector.
#[derive(Debug)]
pub struct TextReader(How);

#[derive(Debug)]
enum How {
    Codes(CodeReader),
    Model(Box<ModelReader>),
}

impl TextReader {
    /// The second stage of a detector, if it has one in this build: decoders of codes may be left out. `second` is the
    /// session of its second model, if that is what it has, loaded for [`SECOND_BATCH`] images.
    ///
    /// # Errors
    /// [`LayoutError`] when the outputs of the second model cannot be read.
    pub fn of(
        detector: &Detector,
        second: Option<Box<dyn Session>>,
        decode: DecodeOptions,
    ) -> Result<Option<Self>, LayoutError> {
        let how = match (&detector.second, second) {
            (Some(SecondStage::Codes), _) if CAN_READ => {
                How::Codes(CodeReader::new(detector, decode.limits))
            }
            (Some(SecondStage::Model(model)), Some(session)) => {
                How::Model(Box::new(ModelReader::new(Arc::clone(model), session, decode)?))
            }
            _ => return Ok(None),
        };
        Ok(Some(Self(how)))
    }

    /// Whether a detection is one to be read.
    pub(crate) fn reads(&self, detection: &Detection) -> bool {
        match &self.0 {
            How::Codes(_) => true,
            How::Model(model) => model.reads(detection.class_id),
        }
    }

    /// How long a text stays true of what looks the same; `None` for as long as it does.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        match &self.0 {
            How::Codes(_) => None,
            How::Model(_) => Some(MODEL_LIFETIME),
        }
    }

    /// Reads all that is to be read in a frame that can wait. If that panics, it keeps what was read before.
    pub(crate) fn read_all(
        &self,
        pixels: Frame<'_>,
        result: &mut FrameResult,
        options: ReadOptions,
    ) {
        let FrameResult { detections, timings, .. } = result;
        let is_wanted =
            |found: &&mut Detection| found.score >= options.least_score && self.reads(found);
        let unread: Vec<_> = detections.iter_mut().filter(is_wanted).collect();
        if unread.is_empty() {
            return;
        }
        // The hook reports a panic.
        let _ = panics::contain("reading", || {
            timings.measure(Stage::Read, || {
                self.read(pixels, unread, Instant::now() + options.budget);
            });
        });
    }

    /// Reads what these detections of a frame show, the highest score first, until the deadline. What cannot be read
    /// stays without a text.
    pub(crate) fn read(&self, pixels: Frame<'_>, unread: Vec<&mut Detection>, deadline: Instant) {
        match &self.0 {
            // The frame was decoded before; there is no time to do so again.
            How::Codes(codes) => {
                if let Err(error) = codes.read(pixels, unread, deadline) {
                    tracing::debug!("a frame's codes are not read: {error}");
                }
            }
            How::Model(model) => match model.read(pixels, unread, deadline) {
                Ok(()) => {}
                Err(ModelReadError::Decode(error)) => {
                    tracing::debug!("a frame's boxes are not read: {error}");
                }
                Err(ModelReadError::Backend(error)) => {
                    tracing::error!("the second model failed: {error}");
                }
            },
        }
    }
}
