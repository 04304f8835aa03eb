//! `framegate infer`: images in, one JSON line per image out.

mod line;

use std::io::{BufWriter, Write};

use super::offline::{self, Progress, write_batch};
use super::{CommandError, CommandStatus, interrupt};
use crate::annotate::{AnnotationDirectory, Mark};
use crate::config::InferConfig;
use crate::pipeline::Pipeline;
use crate::sources;

pub(super) fn infer(
    config: InferConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let InferConfig { model, pipeline: options, max_frame_bytes, annotate, paths } = config;
    let stop = interrupt::listen()?.stop;
    let sources = sources::expand(&paths);
    // Cheap checks come before expensive work.
    let annotations = annotate
        .as_deref()
        .map(|directory| AnnotationDirectory::create(directory, &sources))
        .transpose()?;
    let mut pipeline = Pipeline::load(&model, &options)?;

    let mut out = BufWriter::new(out);
    let mut progress = Progress::start(&sources);
    let pool = pipeline.pool();
    offline::run(&mut pipeline, sources, max_frame_bytes, &stop, |batch| {
        for frame in &batch {
            line::write(&mut out, frame)?;
            progress.count(frame);
        }
        // The reader of a stream waits for each line.
        out.flush()?;
        if let Some(directory) = &annotations {
            let marks = |_: &_, detections: &[_]| detections.iter().map(Mark::from).collect();
            let failed = write_batch(directory, &pool, options.decode, &batch, marks);
            progress.count_not_annotated(failed);
        }
        Ok(())
    })?;
    Ok(progress.end(&pipeline, &stop))
}
