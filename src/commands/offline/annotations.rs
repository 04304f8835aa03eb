//! Annotated images of a run. One that cannot be written costs no result.

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::annotate::{
    AnnotateError, AnnotationDirectory, AnnotationVideo, AnnotationVideoError, DirectoryError,
    Mark, annotate, annotate_image, draw,
};
use crate::engine::{FinishedFrame, FrameError, FrameOrigin, FramePayload, FrameResult, panics};
use crate::error_chain::error_chain;
use crate::stages::{DecodeOptions, RgbImage, to_rgb};

/// Why a processed frame has no annotated image.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Drawing(#[from] AnnotateError),
    #[error("{}", .0.cause.as_deref().unwrap_or(&.0.detail))]
    Panic(#[from] FrameError),
    #[error(transparent)]
    Writing(#[from] DirectoryError),
}

/// Writes the annotated images of the frames that were processed, with the marks that `marks` returns for
/// a frame's origin and result. Logs failures and returns their number.
pub(in crate::commands) fn write_batch(
    directory: &AnnotationDirectory,
    pool: &ThreadPool,
    decode: DecodeOptions,
    batch: &[FinishedFrame],
    marks: impl Fn(&FrameOrigin, &FrameResult) -> Vec<Mark> + Sync,
) -> usize {
    let fails = |frame: &&FinishedFrame| {
        let Ok(result) = &frame.result else { return false };
        let marks = marks(&frame.tag, result);
        let written = write(directory, decode, frame, &marks);
        if let Err(error) = &written {
            let problem = error_chain(error);
            tracing::error!(frame = %frame.tag, problem, "the image cannot be annotated");
        }
        written.is_err()
    };
    pool.install(|| batch.par_iter().filter(fails).count())
}

fn write(
    directory: &AnnotationDirectory,
    decode: DecodeOptions,
    frame: &FinishedFrame,
    marks: &[Mark],
) -> Result<(), Failure> {
    // A frame with a result was read.
    let Some(payload) = &frame.payload else { return Ok(()) };
    let annotated = panics::contain("annotate", || match payload {
        FramePayload::Jpeg(jpeg) => annotate(jpeg, decode, marks),
        FramePayload::Image(image) => annotate_image(image, marks),
        FramePayload::Yuv(image) => annotate_image(&to_rgb(image), marks),
    })??;
    Ok(directory.write(&frame.tag, &annotated)?)
}

/// Appends the frames of a video to an annotated one, in order. One that could not be processed appears without
/// marks, or as the one before it.
pub(in crate::commands) fn append_batch(
    video: &mut AnnotationVideo,
    pool: &ThreadPool,
    batch: &[FinishedFrame],
) -> Result<(), AnnotationVideoError> {
    let images: Vec<_> = pool.install(|| batch.par_iter().map(drawn).collect());
    images.into_iter().try_for_each(|image| video.append(image))
}

fn drawn(frame: &FinishedFrame) -> Option<RgbImage> {
    let Some(FramePayload::Yuv(image)) = &frame.payload else { return None };
    let detections = frame.result.as_ref().map_or(&[][..], |result| &result.detections);
    let marks: Vec<Mark> = detections.iter().map(Mark::from).collect();
    panics::contain("annotate", || draw(&to_rgb(image), &marks)).ok()
}
