//! Frames in the caller's memory, and their way through the stages.

use std::time::Duration;

use framegate_backend_api::{InputBatch, OutputBatch, Session};
use framegate_models::detector::ImageInput;

use crate::engine::reading::FrameView;
use crate::engine::{FrameError, FrameResult, panics};
use crate::stages::{
    BoxStage, DecodeOptions, PixelRows, Preprocessed, Preprocessor, RgbImage, Selection, Stage,
    StageTimes,
};

/// A frame to detect objects in, in the caller's memory.
#[derive(Clone, Copy)]
pub enum Frame<'a> {
    /// A whole JPEG.
    Jpeg(&'a [u8]),
    /// A decoded image.
    Image(&'a RgbImage),
    /// A decoded image of any layout in memory.
    Rows(&'a dyn PixelRows),
}

impl<'a> From<Frame<'a>> for FrameView<'a> {
    fn from(frame: Frame<'a>) -> Self {
        match frame {
            Frame::Jpeg(jpeg) => Self::Jpeg(jpeg),
            Frame::Image(image) => Self::Image(image),
            Frame::Rows(rows) => Self::Rows(rows),
        }
    }
}

/// Writes the frame into a slot of the batch.
pub(super) fn preprocess(
    frame: Frame<'_>,
    preprocessor: &mut Preprocessor,
    (input, decode): (&ImageInput, DecodeOptions),
    slot: &mut [f32],
) -> Result<Preprocessed, FrameError> {
    let preprocessed = panics::contain("preprocess", || match frame {
        Frame::Jpeg(jpeg) => preprocessor.preprocess(jpeg, slot),
        Frame::Image(image) => preprocessor.preprocess_image(image, slot),
        Frame::Rows(image) => preprocessor.preprocess_rows(image, slot),
    });
    // A panic may have left its buffers half written.
    Ok(preprocessed.inspect_err(|_| *preprocessor = Preprocessor::new(input, decode))??)
}

/// Runs the model on a batch, and returns how long it took.
pub(super) fn infer(
    session: &mut dyn Session,
    input: &InputBatch,
    outputs: &mut OutputBatch,
) -> Result<Duration, FrameError> {
    let mut times = StageTimes::ZERO;
    let inferred = panics::contain("infer", || {
        times.measure(Stage::Inference, || session.infer(input, outputs))
    })?;
    inferred.map_err(FrameError::pipeline_failure)?;
    Ok(times[Stage::Inference])
}

/// The result of image number `image` of the batch, after an inference that took this long.
pub(super) fn find(
    boxes: &mut BoxStage,
    selection: &Selection,
    (outputs, image): (&OutputBatch, usize),
    preprocessed: Preprocessed,
    inference: Duration,
) -> Result<FrameResult, FrameError> {
    let Preprocessed { transform, mut times, .. } = preprocessed;
    times[Stage::Inference] = inference;
    let mut detections = Vec::new();
    let found = panics::contain("boxes", || {
        times.measure(Stage::Postprocess, || {
            boxes.detect_selected(selection, outputs, image, &transform, &mut detections)
        })
    })?;
    found.map_err(FrameError::pipeline_failure)?;
    let tensors = boxes.tensors(outputs, image);
    Ok(FrameResult { size: transform.frame, detections, tensors, timings: times })
}
