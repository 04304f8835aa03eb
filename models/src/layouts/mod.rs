//! The layouts in which models put out boxes: one file for each, one line in `LAYOUTS`.
//!
//! ```text
//! outputs, sidecar ─ choose ─▶ BoxLayout ─ decoder ─▶ Decoder ─ raw outputs ─▶ Candidates
//! ```
//!
//! To add a layout, implement `Layout` in a new file and list it in `LAYOUTS`. Everything else
//! (sidecar names, recognition, defaults for images and labels, error messages) follows from the
//! table.

mod candidate;
mod choose;
mod classify;
mod decoded;
mod decoded_columns;
mod end_to_end;
mod error;
mod family;
mod outputs;
mod scores;
mod yolox;
mod yunet;

use std::fmt;

use framegate_backend_api::OutputBatch;
use framegate_backend_api::graph::Graph;
use serde::{Deserialize, Deserializer, de};

use crate::Size;
pub use candidate::Candidate;
pub(crate) use choose::{Choice, choose};
pub use error::LayoutError;
pub(crate) use family::{Family, Preprocessing, YOLO_FILL};
pub(crate) use outputs::{ClassCount, ModelOutputs};

/// Every layout, in the order in which messages list them.
static LAYOUTS: &[&dyn Layout] = &[
    &yolox::Yolox,
    &decoded::Decoded,
    &decoded_columns::DecodedColumns,
    &end_to_end::EndToEnd,
    &yunet::Yunet,
    &classify::Classify,
];

/// A way of arranging boxes, classes and scores in a model's outputs. `N` is the number of
/// candidates, `C` of classes.
pub(crate) trait Layout: fmt::Debug + Sync {
    /// What sidecars call it: its name, then other names that mean the same.
    fn names(&self) -> &'static [&'static str];

    /// What the outputs look like, for the list of all layouts in a message.
    fn shape(&self) -> &'static str;

    /// What the outputs must look like for an input of this size, for the message when they do not.
    fn needs(&self, outputs: &ModelOutputs<'_>) -> String;

    /// What the outputs say if they are read in this layout; `None` where they cannot be.
    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading>;

    /// Whether outputs that can be read in this layout look as if they were meant to be.
    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition;

    /// Models that have this layout, by what their images have to look like; never empty.
    fn families(&self) -> &'static [&'static Family];

    /// The family that is assumed unless the sidecar names one.
    fn default_family(&self, _outputs: &ModelOutputs<'_>) -> &'static Family {
        self.families()[0]
    }

    /// The labels of models that have the same classes everywhere.
    fn labels(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether the model reports an object more than once.
    fn needs_nms(&self) -> bool {
        true
    }

    /// A decoder for outputs that [`Layout::read`] has read.
    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder>;
}

/// What a model's outputs say when they are read in a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) classes: ClassCount,
    /// Cell sizes in input pixels, in the order of the candidates; empty where there is no grid.
    pub(crate) strides: Vec<usize>,
}

/// How well outputs match a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recognition {
    /// They look like something else.
    No,
    /// They are of this layout, for the reason given.
    Yes(String),
    /// They may be of this layout. One of these lines in the sidecar would settle it.
    Maybe(&'static [SidecarLine]),
}

/// A line for the sidecar and when it is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SidecarLine {
    pub(crate) line: &'static str,
    pub(crate) when: &'static str,
}

/// Turns the raw outputs of one model into candidates. Keeps its buffers between calls and allocates
/// nothing but room for candidates.
pub trait Decoder: fmt::Debug + Send {
    /// Adds every box that scores at least `confidence` on image number `image` of the batch.
    ///
    /// # Panics
    /// When the outputs are not those of the model it was made for.
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    );
}

/// The layout of a model's outputs.
#[derive(Clone)]
pub struct BoxLayout {
    layout: &'static dyn Layout,
    strides: Vec<usize>,
}

impl BoxLayout {
    /// The layout of this name in sidecar files, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        let layout = LAYOUTS.iter().find(|layout| layout.names().contains(&name))?;
        Some(Self { layout: *layout, strides: Vec::new() })
    }

    /// The same layout with grids of these cell sizes, in input pixels.
    #[must_use]
    pub fn with_strides(self, strides: &[usize]) -> Self {
        Self { strides: strides.to_vec(), ..self }
    }

    /// Its name in sidecar files.
    pub fn name(&self) -> &'static str {
        self.layout.names()[0]
    }

    /// Cell sizes of its grids in input pixels, in the order of the candidates; empty where it has
    /// none.
    pub fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// Whether the model reports an object more than once.
    pub fn needs_nms(&self) -> bool {
        self.layout.needs_nms()
    }

    /// A decoder for the outputs of `graph`, whose input has this size.
    ///
    /// # Errors
    /// [`LayoutError::Mismatch`] when the outputs do not have this layout.
    pub fn decoder(&self, graph: &Graph, input: Size) -> Result<Box<dyn Decoder>, LayoutError> {
        let strides = (!self.strides.is_empty()).then_some(&self.strides[..]);
        let outputs = ModelOutputs { strides, ..ModelOutputs::of(graph, input) };
        let reading = self.read(&outputs)?;
        Ok(self.layout.decoder(&outputs, &reading))
    }

    /// The labels of models that have the same classes everywhere.
    pub(crate) fn labels(&self) -> &'static [&'static str] {
        self.layout.labels()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Result<Reading, LayoutError> {
        self.layout.read(outputs).ok_or_else(|| LayoutError::Mismatch {
            layout: self.name(),
            needs: self.layout.needs(outputs),
            input: outputs.input,
            outputs: outputs.to_string(),
        })
    }
}

impl PartialEq for BoxLayout {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.strides == other.strides
    }
}

impl fmt::Debug for BoxLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} with strides {:?}", self.strides)
    }
}

impl fmt::Display for BoxLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<'de> Deserialize<'de> for BoxLayout {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let name = String::deserialize(input)?;
        Self::named(&name).ok_or_else(|| {
            let names: Vec<String> = LAYOUTS.iter().map(|layout| alternatives(*layout)).collect();
            de::Error::custom(format!("unknown layout `{name}`; use one of {}", names.join(", ")))
        })
    }
}

/// The names of a layout, for people: `` `decoded` (or `yolov5`) ``.
fn alternatives(layout: &dyn Layout) -> String {
    let [name, others @ ..] = layout.names() else { return String::new() };
    let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
    match others.is_empty() {
        true => format!("`{name}`"),
        false => format!("`{name}` (or {})", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_means_one_layout_and_every_family_one_preprocessing() {
        let mut names = HashSet::new();
        for layout in LAYOUTS {
            assert!(!layout.families().is_empty(), "{layout:?}");
            for name in layout.names() {
                assert!(names.insert(*name), "`{name}` occurs twice");
            }
            for family in layout.families() {
                assert_eq!(Family::named(family.name), Some(*family), "{layout:?}");
            }
        }
    }

    #[test]
    fn old_names_still_work() {
        for (old, name) in
            [("yolov5", "decoded"), ("yolov8", "decoded-columns"), ("end2end", "end-to-end")]
        {
            assert_eq!(BoxLayout::named(old).unwrap().name(), name);
        }
        assert_eq!(BoxLayout::named("ssd"), None);
    }
}
