//! `framegate infer`: pictures in, one JSON line each out.

mod annotations;
mod line;
mod progress;

use std::io::{self, BufWriter, Write};

use framegate_backend_api::Limits;
use framegate_models::Detector;
use framegate_models::detector::LabelsSource;
use rayon::ThreadPoolBuilder;

use super::{CommandError, Outcome};
use crate::annotate::AnnotationDirectory;
use crate::backends;
use crate::config::InferConfig;
use crate::engine::{FrameError, Offline};
use crate::sources;
use crate::stages::BoxStage;
use progress::Progress;

pub(super) fn infer(config: InferConfig) -> Result<Outcome, CommandError> {
    let sources = sources::expand(&config.paths);
    // What costs nothing to find out comes before what takes time.
    let annotations = config
        .annotate
        .as_deref()
        .map(|directory| AnnotationDirectory::create(directory, &sources))
        .transpose()?;
    let detector = Detector::load(&config.detector.path, &config.detector.options)?;
    if detector.labels_source == LabelsSource::Numbers {
        tracing::warn!("no labels are known: classes are called by their numbers; see --labels");
    }
    let boxes = BoxStage::new(&detector, config.thresholds)?;
    let pool = ThreadPoolBuilder::new().num_threads(config.backend.threads).build()?;
    let chosen = backends::choose(config.backend.backend, &config.backend.options)?;
    let limits = Limits { max_batch: config.max_batch, threads: config.backend.threads };
    let mut session = chosen.backend.load(&detector.model, &limits)?;

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
    offline.run(session.as_mut(), frames, |batch| -> Result<(), CommandError> {
        for frame in &batch {
            if let Err(FrameError { cause: Some(cause), .. }) = &frame.result {
                tracing::error!(frame = %frame.origin, cause = &**cause, "frame failed");
            }
            line::write(&mut out, frame)?;
            progress.count(frame);
        }
        // A stream's reader waits for each line.
        out.flush()?;
        if let Some(directory) = &annotations {
            let failed = annotations::write_batch(directory, &pool, decode_limits, &batch);
            progress.count_not_annotated(failed);
        }
        Ok(())
    })?;
    Ok(progress.end(&chosen))
}
