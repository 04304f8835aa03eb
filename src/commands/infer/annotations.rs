//! Where annotated frames go: nowhere, into a directory, or into a video.

use std::path::Path;

use rayon::ThreadPool;

use crate::annotate::{AnnotationDirectory, AnnotationVideo, AnnotationVideoError, Mark};
use crate::commands::CommandError;
use crate::commands::offline::{append_batch, write_batch};
use crate::engine::{FinishedFrame, FrameResult};
use crate::sources::{Source, video_info};
use crate::stages::DecodeOptions;

/// Frame rate of a video whose file does not state it.
const ASSUMED_FPS: f64 = 25.0;

pub(super) enum Annotations {
    Nowhere,
    Directory(AnnotationDirectory),
    Video(AnnotationVideo),
}

impl Annotations {
    /// Checks that the sources can be annotated into `path`.
    pub(super) fn create(path: Option<&Path>, sources: &[Source]) -> Result<Self, CommandError> {
        let Some(path) = path else { return Ok(Self::Nowhere) };
        if !AnnotationVideo::is_video(path) {
            return Ok(Self::Directory(AnnotationDirectory::create(path, sources)?));
        }
        let [Source::Video { path: input, selection }] = sources else {
            return Err(AnnotationVideoError::NotOneVideo(sources.len()).into());
        };
        let fps = video_info(input).ok().and_then(|info| info.fps).unwrap_or(ASSUMED_FPS);
        Ok(Self::Video(AnnotationVideo::create(path, input, selection.rate(fps))?))
    }

    /// Writes the frames of a batch; the number of those that could not be.
    pub(super) fn write(
        &mut self,
        pool: &ThreadPool,
        decode: DecodeOptions,
        batch: &[FinishedFrame],
    ) -> Result<usize, CommandError> {
        match self {
            Self::Nowhere => Ok(0),
            Self::Directory(directory) => {
                let marks = |_: &_, result: &FrameResult| {
                    result.detections.iter().map(Mark::from).collect()
                };
                Ok(write_batch(directory, pool, decode, batch, marks))
            }
            Self::Video(video) => {
                append_batch(video, pool, batch)?;
                Ok(0)
            }
        }
    }

    /// Completes a video.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        match self {
            Self::Video(mut video) => Ok(video.finish()?),
            Self::Nowhere | Self::Directory(_) => Ok(()),
        }
    }
}
