//! `framegate eval`: recall, precision and average precision of a detector on labelled images.

mod parts;
mod text;
mod texts;
mod tracks;

use std::borrow::Cow;
use std::io::Write;

use super::offline::{self, Progress, write_batch};
use super::{CommandError, CommandStatus, interrupt};
use crate::annotate::{AnnotationDirectory, Mark};
use crate::config::{EvalConfig, EvalSubject};
use crate::engine::{FrameOrigin, FrameResult};
use crate::eval::{
    Evaluation, GroundTruth, LabelledObject, ObjectKind, Tally, UnknownClass, WithoutArea, finds,
};
use crate::pipeline::{Pipeline, PipelineOptions};
use crate::report::write_json_to;
use crate::sources::{self, Source};
use crate::stages::Detection;

pub(crate) use tracks::TrackEvalError;

pub(super) fn eval(
    config: &EvalConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let ground_truth = match &config.subject {
        EvalSubject::Objects { ground_truth } => ground_truth,
        EvalSubject::Tracks(subject) => return tracks::run(config, subject, out),
    };
    let stop = interrupt::listen()?.stop;
    let truth = GroundTruth::read(ground_truth, config.images.as_deref(), config.format)?;
    let mut sources: Vec<Source> = truth.paths().map(Source::File).collect();
    sources.extend(sources::expand(&config.negatives));
    let annotations = config
        .annotate
        .as_deref()
        .map(|directory| AnnotationDirectory::create(directory, &sources))
        .transpose()?;
    if let Some(WithoutArea { labels, first }) = truth.without_area() {
        tracing::warn!(
            "{labels} labels have boxes of no area, and are left out; the first is {first}"
        );
    }
    let options = PipelineOptions { text: truth.has_texts(), ..config.pipeline.clone() };
    let mut pipeline = Pipeline::load(&config.model, &options)?;
    let classes = pipeline.detector().labels.clone();
    let unknown_classes = truth.unknown_classes(&classes)?;
    for UnknownClass { label, labels } in &unknown_classes {
        tracing::warn!("the model has no class `{label}`; its {labels} labels are left out");
    }

    let mut tally = Tally::new(&classes, config.conf);
    let mut progress = Progress::start(&sources);
    let pool = pipeline.pool();
    let objects = |origin: &FrameOrigin, size| match origin {
        FrameOrigin::File(path) => truth.objects(path, size),
        FrameOrigin::Clip { .. } | FrameOrigin::Stream { .. } | FrameOrigin::Video { .. } => {
            Ok(Cow::Borrowed(&[][..]))
        }
    };
    offline::run(&mut pipeline, sources, config.max_frame_bytes, &stop, |batch| {
        for frame in &batch {
            progress.count(frame);
            match &frame.result {
                Ok(result) => match objects(&frame.tag, result.size) {
                    Ok(objects) => tally.add(&frame.tag.to_string(), &objects, result),
                    Err(error) => {
                        tracing::error!(frame = %frame.tag, %error, "the image is not counted");
                        progress.count_unusable();
                    }
                },
                Err(error) => {
                    tracing::error!(frame = %frame.tag, %error, "the image is not counted");
                }
            }
        }
        if let Some(directory) = &annotations {
            let marks = |origin: &_, result: &FrameResult| {
                let objects = objects(origin, result.size).unwrap_or_default();
                let counts = |found: &&Detection| found.score >= config.conf;
                let found: Vec<_> = result.detections.iter().filter(counts).cloned().collect();
                marks(&objects, &found, &classes)
            };
            let failed = write_batch(directory, &pool, options.decode, &batch, marks);
            progress.count_not_annotated(failed);
        }
        Ok(())
    })?;
    let evaluation = Evaluation {
        model: config.model.display().to_string(),
        backend: pipeline.backend(),
        device: pipeline.device().name.clone(),
        conf: config.conf,
        map_conf: options.thresholds.confidence,
        iou: options.thresholds.iou,
        labels_without_area: truth.without_area().map_or(0, |without| without.labels),
        unknown_classes,
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

/// Marks for the boxes, and for the objects of classes of the model that no box found.
fn marks(objects: &[LabelledObject], found: &[Detection], classes: &[String]) -> Vec<Mark> {
    let wanted = objects.iter().filter(|object| object.kind == ObjectKind::Single);
    let missed = wanted.filter(|object| !found.iter().any(|found| finds(found, object)));
    let missed = missed.filter_map(|object| {
        let class_id = classes.iter().position(|class| *class == object.label)?;
        let box_ = [object.x, object.y, object.width, object.height].map(|pixels| pixels as f32);
        Some(Mark::of_box(format!("missed {}", object.label), class_id, box_))
    });
    found.iter().map(Mark::from).chain(missed).collect()
}
