//! The layouts in which models put out boxes: one file for each, one line in `LAYOUTS`.
//!
//! ```text
//! outputs, sidecar ─ choose ─▶ BoxLayout ─ decoder ─▶ Decoder ─ raw outputs ─▶ Candidates
//! ```
//!
//! To add a layout, implement `Layout` in a new file and list it in `LAYOUTS`; everything else follows.

mod anchor_heads;
mod anchors;
mod best_columns;
mod blank;
mod blazeface;
mod box_form;
mod box_masks;
mod boxes_background;
mod boxes_labels_scores;
mod boxes_scores;
mod candidate;
mod centerface;
mod centernet;
mod choose;
mod class_box_score;
mod classify;
mod columns;
mod columns_obb;
mod columns_pose;
mod columns_seg;
mod ctc;
mod decoded;
mod decoded_columns;
mod decoded_rows;
mod decoder;
mod detectnet;
mod detr;
mod dfl_heads;
mod difference_heads;
mod distance_heads;
mod distances;
mod dual_heads;
mod efficient_nms;
mod efficientdet;
mod end_to_end;
mod end_to_end_class_score;
mod end_to_end_normalised;
mod end_to_end_obb;
mod end_to_end_pose;
mod end_to_end_seg;
mod error;
mod families;
mod family;
mod fcos;
mod final_boxes;
mod head_arrangement;
mod image_class_score;
mod input_range;
mod keypoint;
mod level_anchors;
mod level_maps;
mod level_rows;
mod maker;
mod mask;
mod mmdet;
pub(crate) mod model_family;
mod nanodet;
mod nanodet_plus;
mod origin;
mod outputs;
mod paddle;
mod picodet;
mod points;
mod prior_boxes;
mod references;
mod retinaface;
mod retinanet;
mod row_order;
mod rows_face;
mod rows_pose;
mod rows_seg;
mod rtdetr_logits;
mod rtdetr_rows;
mod rtdetr_ultralytics;
mod rtmo;
mod scored_boxes;
mod scored_rows;
mod scores;
mod scrfd;
mod selected_boxes;
mod ssd;
mod tensorflow;
mod tensors;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod yolo_fastest;
mod yolo_nas_flat;
mod yolov7_end_to_end;
mod yolox;
mod yunet;
mod yunet_priors;

use std::fmt;

use framegate_backend_api::graph::Graph;
use serde::{Deserialize, Deserializer, de};

use crate::Size;
pub use blank::Blank;
pub use candidate::Candidate;
pub(crate) use choose::{Choice, choose};
pub use decoder::{Decoder, Implausible, Transcript};
pub(crate) use dual_heads::leave_out_auxiliary;
pub use error::LayoutError;
pub(crate) use family::{Family, Preprocessing, YOLO_FILL};
pub use keypoint::Keypoint;
pub use mask::MaskCells;
pub(crate) use outputs::{ClassCount, ModelOutputs};

/// Every layout, in the order in which messages list them.
static LAYOUTS: &[&dyn Layout] = &[
    &yolox::Yolox,
    &decoded::Decoded,
    &rows_seg::RowsSeg,
    &rows_face::RowsFace,
    &rows_pose::RowsPose,
    &decoded_columns::DecodedColumns,
    &columns_seg::ColumnsSeg,
    &columns_pose::ColumnsPose,
    &columns_obb::ColumnsObb,
    &decoded_rows::DecodedRows,
    &level_rows::LevelRows,
    &scored_rows::ScoredRows,
    &end_to_end::EndToEnd,
    &end_to_end_class_score::EndToEndClassScore,
    &class_box_score::ClassBoxScore,
    &end_to_end_normalised::EndToEndNormalised,
    &end_to_end_seg::EndToEndSeg,
    &end_to_end_pose::EndToEndPose,
    &end_to_end_obb::EndToEndObb,
    &detr::Detr,
    &rtdetr_logits::RtDetr,
    &rtdetr_ultralytics::RtDetrEndToEnd,
    &rtdetr_rows::RtDetrRows,
    &boxes_labels_scores::FINAL,
    &boxes_labels_scores::OF_CELLS,
    &boxes_scores::BoxesScores,
    &boxes_background::BoxesBackground,
    &selected_boxes::X_FIRST,
    &selected_boxes::Y_FIRST,
    &efficient_nms::EfficientNms,
    &tensorflow::TensorFlow,
    &mmdet::MmDet,
    &rtmo::Rtmo,
    &paddle::Paddle,
    &yolo_nas_flat::YoloNasFlat,
    &yolov7_end_to_end::Yolov7EndToEnd,
    &image_class_score::ImageClassScore,
    &scrfd::Scrfd,
    &retinaface::FACES,
    &retinaface::PLATES,
    &blazeface::FACES,
    &blazeface::PALMS,
    &blazeface::PERSONS,
    &yunet::Yunet,
    &yunet_priors::FACES,
    &yunet_priors::PLATES,
    &centerface::CenterFace,
    &centernet::CenterNet,
    &detectnet::DetectNet,
    &nanodet::NanoDet,
    &nanodet_plus::NanoDetPlus,
    &picodet::PicoDet,
    &yolo_fastest::YoloFastest,
    &anchor_heads::YOLOV5,
    &anchor_heads::YOLOV7,
    &anchor_heads::YOLOV4,
    &anchor_heads::YOLOV3,
    &anchor_heads::YOLOV3_TINY,
    &anchor_heads::YOLOV2,
    &anchor_heads::YOLOV2_TINY,
    &ssd::COCO,
    &ssd::VOC,
    &efficientdet::EFFICIENTDET,
    &efficientdet::LITE,
    &efficientdet::D7,
    &retinanet::RETINANET,
    &retinanet::ODTK,
    &fcos::Fcos,
    &dfl_heads::GFL,
    &difference_heads::ATSS,
    &difference_heads::PAA,
    &difference_heads::YOLOX_HEADS,
    &dfl_heads::YOLOV8,
    &distance_heads::YOLOV6_HEADS,
    &distance_heads::RTMDET_HEADS,
    &classify::Classify,
    &ctc::Ctc,
    &tensors::Tensors,
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

    /// How many `anchors` a sidecar may list in place of the layout's own; empty where it has none.
    fn anchor_counts(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Whether the model reports an object more than once.
    fn needs_nms(&self) -> bool {
        true
    }

    /// Whether results carry the outputs themselves.
    fn reports_tensors(&self) -> bool {
        false
    }

    /// Whether there are boxes, or scores of the whole image, to report.
    fn finds_boxes(&self) -> bool {
        !self.reports_tensors()
    }

    /// Whether [`Decoder::text`] says what an image shows.
    fn reads_text(&self) -> bool {
        false
    }

    /// The tasks that Ultralytics' metadata names for these outputs.
    fn tasks(&self) -> &'static [&'static str] {
        &["detect"]
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
    /// Key points of each candidate, and the numbers for each: 2 or, with a score, 3.
    pub(crate) keypoints: Option<[usize; 2]>,
    /// Number of the class in the file that the first label names.
    pub(crate) first_class: usize,
    /// The class that stands for no character; only in texts.
    pub(crate) blank: Option<Blank>,
}

impl Reading {
    /// Outputs that distinguish these classes and say nothing else.
    pub(crate) fn of(classes: ClassCount) -> Self {
        Self { classes, strides: Vec::new(), keypoints: None, first_class: 0, blank: None }
    }
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

/// The layout of a model's outputs.
#[derive(Clone)]
pub struct BoxLayout {
    layout: &'static dyn Layout,
    strides: Vec<usize>,
    /// Empty for the layout's own.
    anchors: Vec<[f32; 2]>,
    /// Facts that the outputs alone do not show.
    classes: Option<usize>,
    keypoints: Option<[usize; 2]>,
    first_class: Option<usize>,
    blank: Option<Blank>,
}

impl BoxLayout {
    /// The layout of this name in sidecar files, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        let layout = LAYOUTS.iter().find(|layout| layout.names().contains(&name))?;
        Some(Self::of(*layout))
    }

    /// A layout of which nothing more is known.
    fn of(layout: &'static dyn Layout) -> Self {
        Self {
            layout,
            strides: Vec::new(),
            anchors: Vec::new(),
            classes: None,
            keypoints: None,
            first_class: None,
            blank: None,
        }
    }

    /// The same layout with everything that reading the outputs has shown.
    fn with_reading(self, reading: &Reading) -> Self {
        let classes = match reading.classes {
            ClassCount::Known(classes) => Some(classes),
            ClassCount::Open => None,
        };
        Self {
            strides: reading.strides.clone(),
            classes,
            keypoints: reading.keypoints,
            first_class: Some(reading.first_class),
            blank: reading.blank,
            ..self
        }
    }

    /// The same layout with grids of these cell sizes, in input pixels.
    #[must_use]
    pub fn with_strides(self, strides: &[usize]) -> Self {
        Self { strides: strides.to_vec(), ..self }
    }

    /// The same layout with anchors of these widths and heights, in input pixels.
    pub(crate) fn with_anchors(self, anchors: Option<&[[f32; 2]]>) -> Self {
        Self { anchors: anchors.map_or_else(Vec::new, <[_]>::to_vec), ..self }
    }

    /// The same layout with this class for no character.
    #[cfg(test)]
    pub(crate) fn with_blank(self, blank: Blank) -> Self {
        Self { blank: Some(blank), ..self }
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

    /// Whether its outputs are a list of boxes with labels and scores, complete without any other output.
    pub(crate) fn is_list_of_boxes(&self) -> bool {
        self.name() == boxes_labels_scores::NAME
    }

    /// Number of the class in the file that the first label names.
    pub(crate) fn first_class(&self) -> usize {
        self.first_class.unwrap_or(0)
    }

    /// Whether the model reports an object more than once.
    pub fn needs_nms(&self) -> bool {
        self.layout.needs_nms()
    }

    /// Whether results carry the outputs themselves, because they mean no boxes.
    pub fn reports_tensors(&self) -> bool {
        self.layout.reports_tensors()
    }

    /// Whether there are boxes, or scores of the whole image, to report.
    pub(crate) fn finds_boxes(&self) -> bool {
        self.layout.finds_boxes()
    }

    /// A decoder for the outputs of `graph`, whose input has this size.
    ///
    /// # Errors
    /// [`LayoutError::Mismatch`] when the outputs do not have this layout.
    pub fn decoder(&self, graph: &Graph, input: Size) -> Result<Box<dyn Decoder>, LayoutError> {
        let strides = (!self.strides.is_empty()).then_some(&self.strides[..]);
        let outputs = ModelOutputs {
            strides,
            anchors: (!self.anchors.is_empty()).then_some(&self.anchors[..]),
            labels: self.classes,
            keypoints: self.keypoints,
            first_class: self.first_class,
            blank: self.blank,
            ..ModelOutputs::of(graph, input)
        };
        let reading = self.read(&outputs)?;
        Ok(self.layout.decoder(&outputs, &reading))
    }

    /// Names of the other layouts that outputs of these shapes can be read in.
    pub fn alternatives(&self, graph: &Graph, input: Size) -> Vec<&'static str> {
        let outputs = ModelOutputs::of(graph, input);
        let others = LAYOUTS.iter().filter(|layout| layout.names()[0] != self.name());
        let fitting =
            others.filter(|layout| layout.finds_boxes() && layout.read(&outputs).is_some());
        fitting.map(|layout| layout.names()[0]).collect()
    }

    /// The labels of models that have the same classes everywhere.
    pub(crate) fn labels(&self) -> &'static [&'static str] {
        self.layout.labels()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Result<Reading, LayoutError> {
        let counts = self.layout.anchor_counts();
        if let Some(anchors) = outputs.anchors.filter(|anchors| !counts.contains(&anchors.len())) {
            let given = anchors.len();
            return Err(LayoutError::Anchors { layout: self.name(), counts, given });
        }
        let reading = self.layout.read(outputs).ok_or_else(|| LayoutError::Mismatch {
            layout: self.name(),
            needs: self.layout.needs(outputs),
            input: outputs.input,
            outputs: outputs.to_string(),
        })?;
        let first_class = outputs.first_class.unwrap_or(reading.first_class);
        if first_class > 0 && reading.classes != ClassCount::Open {
            return Err(LayoutError::FirstClass { layout: self.name() });
        }
        Ok(Reading { first_class, ..reading })
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
