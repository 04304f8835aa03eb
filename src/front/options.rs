//! The options that a session or a request has asked for, in terms of its pipeline.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::state::NamedPipeline;
use crate::protocol::{
    ClassEntry, ClassList, ConfigureError, ConfigureMessage, DetectionChanges, MAX_TEXT,
    SessionSettings,
};
use crate::stages::{MAX_DETECTIONS, Selection, Thresholds};

/// Most classes that a list may name.
const MAX_CLASSES: usize = 1000;

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
    #[error("classes names no class")]
    NoClasses,
    #[error("classes names more than {MAX_CLASSES} classes")]
    TooManyClasses,
    #[error("there is no class {0:?}; see GET /pipelines")]
    UnknownClass(String),
}

impl SessionOptions {
    /// # Errors
    /// [`OptionsError`], never [`OptionsError::Message`].
    pub fn new(
        pipeline: NamedPipeline,
        asked: DetectionChanges,
        tracks: bool,
    ) -> Result<Self, OptionsError> {
        let in_force = selection(&pipeline, pipeline.selection(), asked)?;
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
        let labels = Labels::of(&self.pipeline.detector.labels);
        let entry = |(class_id, own): (&usize, &Option<f32>)| {
            let name = match self.pipeline.detector.labels.get(*class_id) {
                Some(label) if labels.numbers(label) == [*class_id] => label.clone(),
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
    let default = pipeline.thresholds;
    Ok(Selection {
        thresholds: Thresholds {
            confidence: changed("conf", conf, thresholds.confidence, default.confidence)?,
            iou: changed("iou", iou, thresholds.iou, default.iou)?,
        },
        max_detections: match max_det {
            None => max_detections,
            Some(None) => MAX_DETECTIONS,
            Some(Some(0)) => return Err(OptionsError::NoDetections),
            Some(Some(most)) => most.min(MAX_DETECTIONS),
        },
        classes: match classes {
            None => current,
            Some(None) => None,
            Some(Some(list)) => Some(read_classes(&pipeline.detector.labels, list)?),
        },
        text: match text {
            None => reads,
            Some(None) => pipeline.text,
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

fn read_classes(
    labels: &[String],
    list: ClassList,
) -> Result<BTreeMap<usize, Option<f32>>, OptionsError> {
    let entries: Vec<String> = match list {
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
    };
    if entries.len() > MAX_CLASSES {
        return Err(OptionsError::TooManyClasses);
    }
    let labels = Labels::of(labels);
    let mut classes = BTreeMap::new();
    for entry in &entries {
        let (numbers, own) = labels.read(entry)?;
        classes.extend(numbers.into_iter().map(|number| (number, own)));
    }
    if classes.is_empty() { Err(OptionsError::NoClasses) } else { Ok(classes) }
}

/// The labels of a pipeline, to look classes up by them.
struct Labels<'a> {
    count: usize,
    numbers: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Labels<'a> {
    fn of(labels: &'a [String]) -> Self {
        let mut numbers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, label) in labels.iter().enumerate() {
            numbers.entry(label).or_default().push(number);
        }
        Self { count: labels.len(), numbers }
    }

    /// `person`, `person:0.6`, `0` or `0:0.6`. A label may contain a colon.
    fn read(&self, entry: &str) -> Result<(Vec<usize>, Option<f32>), OptionsError> {
        let numbers = self.numbers(entry);
        if !numbers.is_empty() {
            return Ok((numbers, None));
        }
        if let Some((name, own)) = entry.rsplit_once(':')
            && let Ok(own) = own.trim().parse()
        {
            let numbers = self.numbers(name.trim_end());
            if !numbers.is_empty() {
                return Ok((numbers, Some(fraction("the threshold of a class", own)?)));
            }
        }
        // A client cannot make the server repeat more.
        Err(OptionsError::UnknownClass(entry.chars().take(100).collect()))
    }

    /// The classes with this label, or else the one with this number.
    fn numbers(&self, name: &str) -> Vec<usize> {
        if let Some(named) = self.numbers.get(name) {
            return named.clone();
        }
        name.parse().ok().filter(|number| *number < self.count).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|label| (*label).to_owned()).collect()
    }

    fn read(text: &str) -> Result<Vec<(usize, Option<f32>)>, OptionsError> {
        let labels = labels(&["person", "traffic light", "a:b", "0", "twin", "twin"]);
        let classes = read_classes(&labels, ClassList::Text(text.to_owned()))?;
        Ok(classes.into_iter().collect())
    }

    #[test]
    fn a_list_has_a_bound() {
        assert!(read(&"person,".repeat(MAX_CLASSES)).is_ok());
        assert_eq!(read(&"person,".repeat(MAX_CLASSES + 1)), Err(OptionsError::TooManyClasses));
    }

    #[test]
    fn classes_are_labels_or_numbers_with_a_threshold_or_without() {
        for (text, expected) in [
            ("person", vec![(0, None)]),
            ("person:0.6, traffic light", vec![(0, Some(0.6)), (1, None)]),
            ("1,2:1", vec![(1, None), (2, Some(1.0))]),
            ("a:b", vec![(2, None)]),
            ("a:b:0.5", vec![(2, Some(0.5))]),
            ("0:0.5", vec![(3, Some(0.5))]),
            ("twin:0.1", vec![(4, Some(0.1)), (5, Some(0.1))]),
            ("person,person:0.9,", vec![(0, Some(0.9))]),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_unknown_class_is_an_error() {
        for text in ["", " , "] {
            assert_eq!(read(text), Err(OptionsError::NoClasses));
        }
        for text in ["cat", "6", "-1", "cat:0.5", "person:", "person:x", "Person"] {
            assert_eq!(read(text), Err(OptionsError::UnknownClass(text.to_owned())));
        }
        let out_of_range = OptionsError::OutOfRange("the threshold of a class");
        for text in ["person:1.5", "person:-0.1", "person:NaN"] {
            assert_eq!(read(text), Err(out_of_range.clone()), "{text}");
        }
        let long = "x".repeat(5000);
        assert!(read(&long).unwrap_err().to_string().len() < 200);
    }
}
