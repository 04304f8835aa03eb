//! `framegate infer`: images in, one JSON line each out.

mod line;

use std::io::{self, BufWriter, Write};

use super::offline::{LoadedDetector, Progress, write_batch};
use super::{CommandError, Outcome};
use crate::annotate::{AnnotationDirectory, Mark};
use crate::config::InferConfig;
use crate::sources;

pub(super) fn infer(config: InferConfig) -> Result<Outcome, CommandError> {
    let sources = sources::expand(&config.paths);
    // What costs nothing to find out comes before what takes time.
    let annotations = config
        .annotate
        .as_deref()
        .map(|directory| AnnotationDirectory::create(directory, &sources))
        .transpose()?;
    let InferConfig { detector, backend, thresholds, frames, max_batch, .. } = config;
    let loaded = LoadedDetector::load(&detector, &backend, thresholds, max_batch)?;

    let mut out = BufWriter::new(io::stdout().lock());
    let mut progress = Progress::start(&sources);
    let chosen = loaded.run(sources, &frames, |pool, batch| {
        for frame in &batch {
            line::write(&mut out, frame)?;
            progress.count(frame);
        }
        // A stream's reader waits for each line.
        out.flush()?;
        if let Some(directory) = &annotations {
            let marks = |_: &_, detections: &[_]| detections.iter().map(Mark::from).collect();
            let failed = write_batch(directory, pool, frames.decode, &batch, marks);
            progress.count_not_annotated(failed);
        }
        Ok(())
    })?;
    Ok(progress.end(&chosen))
}
