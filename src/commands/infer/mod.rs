//! `framegate infer`: images in, one JSON line per image out.

mod annotations;
mod line;

use std::io::{BufWriter, Write};

use super::offline::{self, Progress};
use super::{CommandError, CommandStatus, interrupt};
use crate::config::InferConfig;
use crate::pipeline::Pipeline;
use crate::sources;
use annotations::Annotations;

pub(super) fn infer(
    config: InferConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let InferConfig { model, pipeline: options, max_frame_bytes, annotate, selection, paths } =
        config;
    let stop = interrupt::listen()?.stop;
    let sources = sources::expand_selecting(&paths, selection);
    // Cheap checks come before expensive work.
    let mut annotations = Annotations::create(annotate.as_deref(), &sources)?;
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
        let failed = annotations.write(&pool, options.decode, &batch)?;
        progress.count_not_annotated(failed);
        Ok(())
    })?;
    annotations.finish()?;
    Ok(progress.end(&pipeline, &stop))
}
