//! `framegate eval`: how much of what is known to be in images a model finds.

mod text;

use std::io::{self, Write};

use serde::Serialize;

use super::offline::{LoadedDetector, Progress, write_batch};
use super::{CommandError, Outcome};
use crate::annotate::{AnnotationDirectory, Mark};
use crate::config::EvalConfig;
use crate::engine::FrameOrigin;
use crate::eval::{EvalReport, Label, Labels, Tally, finds};
use crate::sources::{self, Source};
use crate::stages::Detection;

/// The report with what it is about.
#[derive(Serialize)]
struct Evaluation {
    model: String,
    backend: &'static str,
    device: String,
    conf: f32,
    iou: f32,
    #[serde(flatten)]
    report: EvalReport,
}

pub(super) fn eval(config: EvalConfig) -> Result<Outcome, CommandError> {
    let labels = Labels::read(&config.labels)?;
    let mut sources: Vec<Source> =
        labels.0.keys().map(|name| Source::File(config.images.join(name))).collect();
    sources.extend(sources::expand(&config.negatives));
    let annotations = config
        .annotate
        .as_deref()
        .map(|directory| AnnotationDirectory::create(directory, &sources))
        .transpose()?;
    // One image at a time, so that the time of an image is its own.
    let loaded = LoadedDetector::load(&config.detector, &config.backend, config.thresholds, 1)?;
    let classes = loaded.detector.labels.clone();
    labels.check(&classes)?;

    let mut tally = Tally::new(&classes);
    let mut progress = Progress::start(&sources);
    let objects = |origin: &FrameOrigin| match origin {
        FrameOrigin::File(path) => labels.of(&config.images, path),
        FrameOrigin::Stream { .. } => &[],
    };
    let chosen = loaded.run(sources, &config.frames, |pool, batch| {
        for frame in &batch {
            progress.count(frame);
            match &frame.result {
                Ok(result) => {
                    tally.add(&frame.tag.to_string(), objects(&frame.tag), result);
                }
                Err(error) => {
                    tracing::error!(frame = %frame.tag, %error, "the image does not count");
                }
            }
        }
        if let Some(directory) = &annotations {
            let marks = |origin: &_, found: &[_]| marks(objects(origin), found, &classes);
            let limits = config.frames.decode;
            let failed = write_batch(directory, pool, limits, &batch, marks);
            progress.count_not_annotated(failed);
        }
        Ok(())
    })?;
    let evaluation = Evaluation {
        model: config.detector.path.display().to_string(),
        backend: chosen.backend.name(),
        device: chosen.device.name.clone(),
        conf: config.thresholds.confidence,
        iou: config.thresholds.iou,
        report: tally.report(),
    };
    let mut out = io::stdout().lock();
    if config.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&evaluation).map_err(io::Error::from)?)?;
    } else {
        text::write(&mut out, &evaluation)?;
    }
    Ok(progress.end(&chosen))
}

/// The boxes that were found, and the objects that were not.
fn marks(objects: &[Label], found: &[Detection], classes: &[String]) -> Vec<Mark> {
    let missed = objects.iter().filter(|label| !found.iter().any(|found| finds(found, label)));
    let missed = missed.map(|label| Mark {
        text: format!("missed {}", label.label),
        class_id: classes.iter().position(|class| *class == label.label).unwrap_or_default(),
        x: label.x,
        y: label.y,
        width: label.width,
        height: label.height,
    });
    found.iter().map(Mark::from).chain(missed).collect()
}
