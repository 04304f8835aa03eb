//! `framegate eval`: recall and precision of a detector on labelled images.

mod text;

use std::io::Write;

use super::offline::{self, Progress, write_batch};
use super::{CommandError, CommandStatus, interrupt};
use crate::annotate::{AnnotationDirectory, Mark};
use crate::config::EvalConfig;
use crate::engine::FrameOrigin;
use crate::eval::{Evaluation, GroundTruth, LabelledObject, Tally, finds};
use crate::pipeline::Pipeline;
use crate::report::write_json_to;
use crate::sources::{self, Source};
use crate::stages::Detection;

pub(super) fn eval(
    config: &EvalConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let stop = interrupt::listen()?.stop;
    let truth = GroundTruth::read(&config.ground_truth)?;
    let mut sources: Vec<Source> =
        truth.0.keys().map(|name| Source::File(config.images.join(name))).collect();
    sources.extend(sources::expand(&config.negatives));
    let annotations = config
        .annotate
        .as_deref()
        .map(|directory| AnnotationDirectory::create(directory, &sources))
        .transpose()?;
    let options = &config.pipeline;
    let mut pipeline = Pipeline::load(&config.model, options)?;
    let classes = pipeline.detector().labels.clone();
    truth.check(&classes)?;

    let mut tally = Tally::new(&classes);
    let mut progress = Progress::start(&sources);
    let pool = pipeline.pool();
    let objects = |origin: &FrameOrigin| match origin {
        FrameOrigin::File(path) => truth.of(&config.images, path),
        FrameOrigin::Clip { .. } | FrameOrigin::Stream { .. } | FrameOrigin::Video { .. } => &[],
    };
    offline::run(&mut pipeline, sources, config.max_frame_bytes, &stop, |batch| {
        for frame in &batch {
            progress.count(frame);
            match &frame.result {
                Ok(result) => {
                    tally.add(&frame.tag.to_string(), objects(&frame.tag), result);
                }
                Err(error) => {
                    tracing::error!(frame = %frame.tag, %error, "the image is not counted");
                }
            }
        }
        if let Some(directory) = &annotations {
            let marks = |origin: &_, found: &[_]| marks(objects(origin), found, &classes);
            let failed = write_batch(directory, &pool, options.decode, &batch, marks);
            progress.count_not_annotated(failed);
        }
        Ok(())
    })?;
    let evaluation = Evaluation {
        model: config.model.display().to_string(),
        backend: pipeline.backend(),
        device: pipeline.device().name.clone(),
        conf: options.thresholds.confidence,
        iou: options.thresholds.iou,
        partial: stop.is_set(),
        report: tally.report(),
    };
    if config.json {
        write_json_to(out, &evaluation)?;
    } else {
        text::write(out, &evaluation)?;
    }
    Ok(progress.end(&pipeline, &stop))
}

/// Marks for the boxes, and for the objects that no box found.
fn marks(objects: &[LabelledObject], found: &[Detection], classes: &[String]) -> Vec<Mark> {
    let missed = objects.iter().filter(|object| !found.iter().any(|found| finds(found, object)));
    let missed = missed.map(|object| {
        let class_id = classes.iter().position(|class| *class == object.label);
        let box_ = [object.x, object.y, object.width, object.height];
        Mark::of_box(format!("missed {}", object.label), class_id.unwrap_or_default(), box_)
    });
    found.iter().map(Mark::from).chain(missed).collect()
}
