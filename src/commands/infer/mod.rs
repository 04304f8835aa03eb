//! `framegate infer`: pictures in, one JSON line each out.

mod line;
mod progress;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use framegate_backend_api::Limits;
use framegate_models::Detector;
use framegate_models::detector::LabelsSource;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{CommandError, Outcome};
use crate::annotate::{AnnotationDirectory, annotate};
use crate::backends;
use crate::config::InferConfig;
use crate::engine::{FinishedFrame, Offline};
use crate::sources::{self, Source};
use crate::stages::{BoxStage, DecodeLimits};
use progress::Progress;

pub(super) fn infer(config: InferConfig) -> Result<Outcome, CommandError> {
    let sources = sources::expand(&config.paths);
    // What costs nothing to find out comes before what takes time.
    let annotations = config
        .annotate
        .as_deref()
        .map(|directory| AnnotationDirectory::create(directory, files(&sources)))
        .transpose()?;
    let detector = Detector::load(&config.detector.path, &config.detector.options)?;
    if detector.labels_source == LabelsSource::Numbers {
        tracing::warn!("no labels are known: classes are called by their numbers; see --labels");
    }
    let boxes = BoxStage::new(&detector, config.thresholds)?;
    let pool = ThreadPoolBuilder::new().num_threads(config.backend.threads).build()?;
    let chosen = backends::choose(config.backend.backend, config.backend.options)?;
    let limits = Limits { max_batch: config.max_batch, threads: config.backend.threads };
    let session = chosen.backend.load(&detector.model, &limits)?;

    let decode_limits = config.frames.decode;
    let offline = Offline {
        detector: &detector,
        boxes,
        pool: &pool,
        limits: decode_limits,
        max_batch: config.max_batch,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut progress = Progress::start(&sources);
    let frames = sources::frames(sources, config.frames.max_bytes);
    offline.run(session, frames, |batch| -> Result<(), CommandError> {
        if let Some(directory) = &annotations {
            annotate_batch(directory, &pool, decode_limits, &batch)?;
        }
        for frame in &batch {
            line::write(&mut out, frame)?;
            progress.count(frame);
        }
        // A stream's reader waits for each line.
        out.flush()?;
        Ok(())
    })?;
    Ok(progress.end(&chosen))
}

fn files(sources: &[Source]) -> impl Iterator<Item = &Path> {
    sources.iter().filter_map(|source| match source {
        Source::File(path) => Some(path.as_path()),
        Source::StandardInput | Source::Unreadable { .. } => None,
    })
}

/// Writes the annotated pictures of those frames that were processed.
fn annotate_batch(
    directory: &AnnotationDirectory,
    pool: &ThreadPool,
    limits: DecodeLimits,
    batch: &[FinishedFrame],
) -> Result<(), CommandError> {
    pool.install(|| {
        batch.par_iter().try_for_each(|frame| {
            let Ok(result) = &frame.result else { return Ok(()) };
            let annotated =
                annotate(&frame.jpeg, limits, &result.detections).map_err(|problem| {
                    CommandError::Annotate { frame: frame.origin.to_string(), problem }
                })?;
            directory.write(&frame.origin, &annotated).map_err(CommandError::from)
        })
    })
}
