//! `framegate eval --tracks`: the numbers that objects of a sequence are given, against labels.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use framegate_tracking::Tracker;
use serde::Serialize;

use crate::commands::offline::{self, Progress};
use crate::commands::{CommandError, CommandStatus, interrupt};
use crate::config::{EvalConfig, TracksConfig};
use crate::engine::FrameOrigin;
use crate::eval::tracks::{MotLabels, Sequence, TrackReport, TrackedBox, seqinfo};
use crate::observation::observation;
use crate::pipeline::Pipeline;
use crate::report::write_json_to;
use crate::sources::{self, Source};
use crate::stages::{Detection, Selection};

/// Why the tracks of a sequence cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrackEvalError {
    /// When a frame was taken cannot be known.
    #[error(
        "the frame rate of {0} is not known; give it (--frame-rate), or a seqinfo.ini that has it"
    )]
    NoFrameRate(PathBuf),
    /// Which frame an image is cannot be known.
    #[error("{0} must have the number of its frame as its name, as 000001.jpg has")]
    NoNumber(PathBuf),
    /// There is no such class.
    #[error("the model has no class `{class}`, only {known}; choose one of them (--class)")]
    UnknownClass {
        /// The class that was asked for.
        class: String,
        /// The classes of the model.
        known: String,
    },
    /// Labels are about one class.
    #[error(
        "the model has several classes; choose the one that the labels are about (--class): {0}"
    )]
    WhichClass(String),
}

/// A report together with the model, backend and thresholds it was made with.
#[derive(Debug, Serialize)]
struct TrackEvaluation {
    model: String,
    backend: &'static str,
    device: String,
    /// The class that was tracked.
    class: String,
    conf: f32,
    iou: f32,
    /// Whether the run was ended early, so that some frames are missing.
    partial: bool,
    #[serde(flatten)]
    report: TrackReport,
}

/// Numbers and times of frames.
struct Clock {
    /// Frames per second of images; a video has times of its own.
    rate: Option<f64>,
}

pub(super) fn run(
    config: &EvalConfig,
    tracks: &TracksConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let stop = interrupt::listen()?.stop;
    let labels = MotLabels::read(&tracks.labels)?;
    let mut sources = sources::expand(std::slice::from_ref(&tracks.frames));
    let clock = Clock::of(tracks, &sources)?;
    for source in &sources {
        if let Source::File(path) = source {
            number_of(path).ok_or_else(|| TrackEvalError::NoNumber(path.clone()))?;
        }
    }
    sources.sort_by_key(|source| match source {
        Source::File(path) => number_of(path),
        _ => None,
    });
    let mut pipeline = Pipeline::load(&config.model, &config.pipeline)?;
    let class = class_of(&pipeline.detector().labels, tracks.class.as_deref())?;
    let thresholds = config.pipeline.thresholds;
    let classes = Some([(class, None)].into());
    let only = Selection { classes, text: false, ..Selection::of_all(thresholds) };
    pipeline.select(only);

    let mut tracker = Tracker::default();
    let mut sequence = Sequence::default();
    let mut labelled = 0;
    let mut progress = Progress::start(&sources);
    offline::run(&mut pipeline, sources, config.max_frame_bytes, &stop, |batch| {
        for frame in &batch {
            progress.count(frame);
            let (number, time) = clock.place(&frame.tag);
            match &frame.result {
                Ok(result) => {
                    let of_frame = labels.0.get(&number).cloned();
                    labelled += usize::from(of_frame.is_some());
                    let observations: Vec<_> = result.detections.iter().map(observation).collect();
                    let numbers = tracker.update(time, &observations);
                    let found = result.detections.iter().zip(numbers).map(tracked).collect();
                    sequence.add(of_frame.unwrap_or_default(), found);
                }
                Err(error) => {
                    tracing::error!(frame = %frame.tag, %error, "the frame is not counted");
                }
            }
        }
        Ok(())
    })?;
    if labelled < labels.0.len() && !stop.is_set() {
        let missing = labels.0.len() - labelled;
        tracing::warn!(missing, "frames with labels were not seen, and are not counted");
    }
    let evaluation = TrackEvaluation {
        model: config.model.display().to_string(),
        backend: pipeline.backend(),
        device: pipeline.device().name.clone(),
        class: pipeline.detector().labels[class].clone(),
        conf: thresholds.confidence,
        iou: thresholds.iou,
        partial: stop.is_set(),
        report: sequence.report(),
    };
    if config.json {
        write_json_to(out, &evaluation)?;
    } else {
        write(out, &evaluation)?;
    }
    Ok(progress.end(&pipeline, &stop))
}

fn class_of(labels: &[String], asked: Option<&str>) -> Result<usize, TrackEvalError> {
    let known = || labels.join(", ");
    match asked {
        Some(class) => labels.iter().position(|label| label == class).ok_or_else(|| {
            TrackEvalError::UnknownClass { class: class.to_owned(), known: known() }
        }),
        None if labels.len() == 1 => Ok(0),
        None => Err(TrackEvalError::WhichClass(known())),
    }
}

impl Clock {
    fn of(tracks: &TracksConfig, sources: &[Source]) -> Result<Self, TrackEvalError> {
        let is_video = |source: &Source| matches!(source, Source::Video { .. });
        let rate = tracks.frame_rate.or_else(|| stated_rate(&tracks.labels));
        if rate.is_none() && !sources.iter().all(is_video) {
            return Err(TrackEvalError::NoFrameRate(tracks.frames.clone()));
        }
        Ok(Self { rate })
    }

    /// The number of a frame, from 1, and when it was taken.
    fn place(&self, origin: &FrameOrigin) -> (u64, Duration) {
        let number = match origin {
            FrameOrigin::Video { index, time, .. } => return (index + 1, *time),
            FrameOrigin::File(path) => number_of(path).unwrap_or_default(),
            FrameOrigin::Clip { number, .. } | FrameOrigin::Stream { number } => *number as u64,
        };
        let seconds = number.saturating_sub(1) as f64 / self.rate.unwrap_or(1.0);
        (number, Duration::from_secs_f64(seconds))
    }
}

/// The number of a frame by the name of its file.
fn number_of(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok().filter(|number| *number <= u64::from(u32::MAX))
}

/// `frameRate` of the sequence's `seqinfo.ini`.
fn stated_rate(labels: &Path) -> Option<f64> {
    let rate = seqinfo(labels, "frameRate")?.parse::<f64>().ok()?;
    (rate > 0.0 && rate <= 1000.0).then_some(rate)
}

fn tracked((detection, id): (&Detection, u64)) -> TrackedBox {
    let Detection { x, y, width, height, .. } = *detection;
    let [x, y, width, height] = [x, y, width, height].map(f64::from);
    TrackedBox { id, x, y, width, height }
}

fn write(out: &mut dyn Write, evaluation: &TrackEvaluation) -> io::Result<()> {
    let TrackEvaluation { model, backend, device, class, conf, report, .. } = evaluation;
    let frames = report.frames;
    if evaluation.partial {
        writeln!(out, "PARTIAL: ended early; these are the first {frames} frames")?;
    }
    writeln!(
        out,
        "{model} on {backend} ({device}), {frames} frames, boxes of {class} with a score of {conf} or more"
    )?;
    writeln!(
        out,
        "IDF1 {:.3}, MOTA {:.3}, HOTA {:.3} (finding {:.3}, keeping numbers {:.3}), mean overlap {:.3}",
        report.idf1, report.mota, report.hota, report.det_a, report.ass_a, report.motp
    )?;
    writeln!(
        out,
        "{} objects in {} boxes, {} tracks in {} boxes: {} missed, {} false, {} switches",
        report.objects,
        report.boxes,
        report.tracks,
        report.tracked_boxes,
        report.missed,
        report.false_boxes,
        report.switches
    )?;
    if report.on_distractors > 0 {
        writeln!(
            out,
            "left out: {} boxes on what is labelled as a distractor",
            report.on_distractors
        )?;
    }
    Ok(())
}
