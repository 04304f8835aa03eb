//! Annotated images of a run. One that cannot be written costs no result.

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::annotate::{AnnotateError, AnnotationDirectory, DirectoryError, Mark, annotate};
use crate::engine::{FinishedFrame, FrameError, FrameOrigin, FramePayload, panics};
use crate::error_chain::error_chain;
use crate::stages::{DecodeOptions, Detection};

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
/// a frame's origin and detections. Logs failures and returns their number.
pub(in crate::commands) fn write_batch(
    directory: &AnnotationDirectory,
    pool: &ThreadPool,
    decode: DecodeOptions,
    batch: &[FinishedFrame],
    marks: impl Fn(&FrameOrigin, &[Detection]) -> Vec<Mark> + Sync,
) -> usize {
    let fails = |frame: &&FinishedFrame| {
        let Ok(result) = &frame.result else { return false };
        let marks = marks(&frame.tag, &result.detections);
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
    // What is read from files and standard input are JPEGs, and a frame with a result was read.
    let Some(FramePayload::Jpeg(jpeg)) = &frame.payload else { return Ok(()) };
    let annotated = panics::contain("annotate", || annotate(jpeg, decode, marks))??;
    Ok(directory.write(&frame.tag, &annotated)?)
}
