//! The options that a session or a request has asked for, in terms of its pipeline.

use std::sync::Arc;

use super::state::NamedPipeline;
use crate::classes::{ClassesError, Labels, read_classes};
use crate::protocol::{
    ClassEntry, ClassList, ConfigureError, ConfigureMessage, DetectionChanges, MAX_TEXT,
    SessionSettings,
};
use crate::stages::{MAX_DETECTIONS, Selection, Thresholds};

/// The options of a session. They change by messages of its client.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    pipeline: NamedPipeline,
    /// Whether detections carry the numbers of their objects.
    tracks: bool,
    in_force: Arc<Selection>,
}

/// Why options cannot be used. Says so to the client.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OptionsError {
    /// The text is not a message that is taken.
    #[error(transparent)]
    Message(#[from] ConfigureError),
    #[error("{0} must be from 0 to 1")]
    OutOfRange(&'static str),
    #[error("max_det must be at least 1")]
    NoDetections,
    #[error(transparent)]
    Classes(ClassesError),
    #[error("{0}; see GET /pipelines")]
    UnknownClass(ClassesError),
}

impl From<ClassesError> for OptionsError {
    fn from(problem: ClassesError) -> Self {
        match problem {
            ClassesError::Unknown(_) => Self::UnknownClass(problem),
            other => Self::Classes(other),
        }
    }
}

impl SessionOptions {
    /// # Errors
    /// [`OptionsError`], never [`OptionsError::Message`].
    pub fn new(
        pipeline: NamedPipeline,
        asked: DetectionChanges,
        tracks: bool,
    ) -> Result<Self, OptionsError> {
        let in_force = selection(&pipeline, pipeline.defaults.clone(), asked)?;
        Ok(Self { pipeline, tracks, in_force: Arc::new(in_force) })
    }

    /// Takes a text message. Nothing changes if it cannot be used.
    ///
    /// # Errors
    /// [`OptionsError`].
    pub(super) fn configure(&mut self, text: &str) -> Result<(), OptionsError> {
        if text.len() > MAX_TEXT {
            return Err(ConfigureError::OtherText.into());
        }
        let ConfigureMessage { configure } = ConfigureMessage::read(text)?;
        let current = self.in_force.as_ref().clone();
        self.in_force = Arc::new(selection(&self.pipeline, current, configure)?);
        Ok(())
    }

    pub(super) fn pipeline(&self) -> &NamedPipeline {
        &self.pipeline
    }

    pub(super) fn tracks(&self) -> bool {
        self.tracks
    }

    pub(super) fn selection(&self) -> Arc<Selection> {
        Arc::clone(&self.in_force)
    }

    /// The same as the client sees it.
    pub(super) fn settings(&self) -> SessionSettings {
        let Selection { thresholds, max_detections, classes, text } = self.in_force.as_ref();
        let labels = &self.pipeline.detector.labels;
        let numbers = Labels::of(labels);
        let entry = |(class_id, own): (&usize, &Option<f32>)| {
            let name = match labels.get(*class_id) {
                Some(label) if numbers.numbers(label) == [*class_id] => label.clone(),
                _ => class_id.to_string(),
            };
            own.map_or_else(|| name.clone(), |own| format!("{name}:{own}"))
        };
        SessionSettings {
            conf: shown(thresholds.confidence),
            iou: shown(thresholds.iou),
            classes: classes.as_ref().map(|classes| classes.iter().map(entry).collect()),
            max_det: *max_detections,
            track: self.tracks,
            text: *text && self.pipeline.reads_text,
        }
    }
}

/// A selection after changes.
pub(super) fn selection(
    pipeline: &NamedPipeline,
    current: Selection,
    changes: DetectionChanges,
) -> Result<Selection, OptionsError> {
    let DetectionChanges { conf, iou, classes, max_det, text } = changes;
    let Selection { thresholds, max_detections, classes: current, text: reads } = current;
    let changed = |name, change: Option<Option<f32>>, current: f32, default: f32| match change {
        None => Ok(current),
        Some(None) => Ok(default),
        Some(Some(value)) => fraction(name, value),
    };
    let Selection { thresholds: default, max_detections: most_by_default, .. } = pipeline.defaults;
    Ok(Selection {
        thresholds: Thresholds {
            confidence: changed("conf", conf, thresholds.confidence, default.confidence)?,
            iou: changed("iou", iou, thresholds.iou, default.iou)?,
        },
        max_detections: match max_det {
            None => max_detections,
            Some(None) => most_by_default,
            Some(Some(0)) => return Err(OptionsError::NoDetections),
            Some(Some(most)) => most.min(MAX_DETECTIONS),
        },
        classes: match classes {
            None => current,
            Some(None) => pipeline.defaults.classes.clone(),
            Some(Some(list)) => Some(read_classes(&pipeline.detector.labels, &entries(list))?),
        },
        text: match text {
            None => reads,
            Some(None) => pipeline.defaults.text,
            Some(Some(switch)) => switch.into(),
        },
    })
}

/// A threshold as it was written: 0.45, not 0.44999998807907104.
fn shown(threshold: f32) -> f64 {
    (f64::from(threshold) * 1e6).round() / 1e6
}

fn fraction(name: &'static str, value: f32) -> Result<f32, OptionsError> {
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(OptionsError::OutOfRange(name)) }
}

fn entries(list: ClassList) -> Vec<String> {
    match list {
        ClassList::Text(text) => {
            let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
            entries.map(str::to_owned).collect()
        }
        ClassList::Entries(entries) => {
            let text = |entry| match entry {
                ClassEntry::Number(number) => number.to_string(),
                ClassEntry::Text(text) => text,
            };
            entries.into_iter().map(text).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_be_one_text() {
        let text = |text: &str| entries(ClassList::Text(text.to_owned()));
        assert_eq!(text("person:0.6, traffic light,"), ["person:0.6", "traffic light"]);
        assert!(text("").is_empty() && text(" , ").is_empty());
    }
}
