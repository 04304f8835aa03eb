//! `framegate infer`: images in, results out.

mod annotations;
mod formats;

use std::io::Write;

use super::offline::{self, Progress};
use super::{CommandError, CommandStatus, interrupt};
use crate::config::InferConfig;
use crate::pipeline::Pipeline;
use crate::sources;
use annotations::Annotations;
use formats::Prepared;

pub(crate) use formats::YoloFolderError;

pub(super) fn infer(
    config: InferConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let InferConfig { model, pipeline: options, max_frame_bytes, annotate, format, .. } = config;
    let stop = interrupt::listen()?.stop;
    let sources = sources::expand_selecting(&config.paths, config.selection);
    // Cheap checks come before expensive work.
    let mut annotations = Annotations::create(annotate.as_deref(), &sources)?;
    let format = Prepared::check(format, &sources)?;
    let mut pipeline = Pipeline::load(&model, &options)?;

    let mut results = format.writer(out, &pipeline.detector().labels)?;
    let mut progress = Progress::start(&sources);
    let pool = pipeline.pool();
    offline::run(&mut pipeline, sources, max_frame_bytes, &stop, |batch| {
        for frame in &batch {
            results.write(frame)?;
            progress.count(frame);
        }
        results.flush()?;
        let failed = annotations.write(&pool, options.decode, &batch)?;
        progress.count_not_annotated(failed);
        Ok(())
    })?;
    results.finish(stop.is_set())?;
    annotations.finish()?;
    Ok(progress.end(&pipeline, &stop))
}
