//! The evidence by which layouts recognise outputs: names, shapes, how the graph computes them, and what
//! sidecar and metadata say.

use std::collections::HashSet;
use std::fmt;

use framegate_backend_api::graph::{Activation, Binary, Graph, Operator, ValueId};

use super::columns::{comes_from_integers, score_columns, source_of_column};
use super::mask::Prototypes;
use super::origin::{Origin, joined, origin};
use super::{Blank, Family};
use crate::{Size, coco};

/// Strides of most detectors, and of their larger variants with a fourth, coarser grid.
const DEFAULT_STRIDES: [&[usize]; 2] = [&[8, 16, 32], &[8, 16, 32, 64]];

/// The outputs of a model and everything else that shows how to read them.
#[derive(Debug, Clone)]
pub(crate) struct ModelOutputs<'a> {
    pub(crate) graph: &'a Graph,
    /// Names and shapes, in the order of the file.
    pub(crate) shapes: Vec<OutputShape<'a>>,
    /// Size of the model's input.
    pub(crate) input: Size,
    /// `strides` of the sidecar.
    pub(crate) strides: Option<&'a [usize]>,
    /// `anchors` of the sidecar: widths and heights in input pixels, the finest stride first.
    pub(crate) anchors: Option<&'a [[f32; 2]]>,
    /// `family` of the sidecar.
    pub(crate) family: Option<&'static Family>,
    /// `task` of the file's metadata.
    pub(crate) task: Option<&'a str>,
    /// Number of labels, where something names the classes.
    pub(crate) labels: Option<usize>,
    /// Whether the first of them names the background, which is not a class.
    pub(crate) background_label: bool,
    /// Whether they are those of COCO without the gaps in its numbers.
    pub(crate) coco_labels: bool,
    /// Whether each belongs to a number that the file itself gives, from 0.
    pub(crate) numbered_labels: bool,
    /// `first_class` of the sidecar.
    pub(crate) first_class: Option<usize>,
    /// `kpt_shape` of the file's metadata: key points and numbers for each.
    pub(crate) keypoints: Option<[usize; 2]>,
    /// Whether the file's metadata says that it is an RT-DETR.
    pub(crate) is_rtdetr: bool,
    /// `blank` of the sidecar.
    pub(crate) blank: Option<Blank>,
    /// Whether the model is a second stage, which says what a box shows.
    pub(crate) is_second: bool,
}

/// Candidates in an output, one for each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    /// Number of rows.
    pub(super) count: usize,
    /// Elements of a row.
    pub(super) width: usize,
}

/// An output for one image; the first axis is the batch axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputShape<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: &'a [usize],
}

/// How many classes the outputs distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClassCount {
    /// The shapes say so.
    Known(usize),
    /// Class numbers are among the output's elements; the shapes say nothing.
    Open,
}

impl ClassCount {
    /// The classes in a candidate of `extent` elements, `others` of which are not classes.
    pub(super) fn beyond(extent: usize, others: usize) -> Option<Self> {
        extent.checked_sub(others).filter(|classes| *classes > 0).map(Self::Known)
    }
}

impl<'a> ModelOutputs<'a> {
    /// The outputs of a graph of which nothing else is known.
    pub(crate) fn of(graph: &'a Graph, input: Size) -> Self {
        let shape = |id: &ValueId| {
            let value = graph.value(*id);
            OutputShape { name: &value.name, shape: &value.shape }
        };
        let shapes = graph.outputs.iter().map(shape).collect();
        Self {
            graph,
            shapes,
            input,
            strides: None,
            anchors: None,
            family: None,
            task: None,
            labels: None,
            background_label: false,
            coco_labels: false,
            numbered_labels: false,
            first_class: None,
            keypoints: None,
            is_rtdetr: false,
            blank: None,
            is_second: false,
        }
    }

    /// Position of the output of this name; TensorFlow's converter adds the number of a result to it.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let plain =
            |output: &OutputShape<'a>| output.name.strip_suffix(":0").unwrap_or(output.name);
        self.shapes.iter().position(|output| plain(output) == name)
    }

    /// The rows of an output of `[1, N, K]` or `[N, K]`; extents of 1 in between do not count.
    pub(super) fn rows(&self, position: usize) -> Option<Rows> {
        match *self.shapes.get(position)?.shape {
            [1, count, width] | [count, width] | [1, count, 1, width] | [1, 1, count, width]
                if count > 0 && width > 0 =>
            {
                Some(Rows { count, width })
            }
            _ => None,
        }
    }

    /// How a candidate's `numbers` are shared among key points, and the numbers for each: as the
    /// metadata say, else x, y and a score. `None` where they do not come out even.
    pub(super) fn keypoints_of(&self, numbers: usize) -> Option<[usize; 2]> {
        match self.keypoints {
            Some([count, each]) => (count * each == numbers).then_some([count, each]),
            None => numbers.is_multiple_of(3).then_some([numbers / 3, 3]),
        }
    }

    /// Prototypes of masks, `[1, M, H, W]` in the second output.
    pub(super) fn prototypes(&self) -> Option<Prototypes> {
        let [_, maps] = self.shapes[..] else { return None };
        match *maps.shape {
            [1, count @ 2..=256, height, width] if height > 1 && width > 1 => {
                Some(Prototypes { output: 1, count, height, width })
            }
            _ => None,
        }
    }

    /// Which elements of a candidate in the first output come out of a sigmoid or softmax, if the graph
    /// shows it; candidates are laid out along the other axis.
    pub(super) fn scores_along(&self, axis: usize) -> Option<Vec<bool>> {
        self.scores_of(0, axis)
    }

    /// The same for the output at a position.
    pub(super) fn scores_of(&self, position: usize, axis: usize) -> Option<Vec<bool>> {
        score_columns(self.graph, *self.graph.outputs.get(position)?, axis)
    }

    /// The number of scores that follow four numbers of a box in each candidate of the first output, if
    /// the graph shows it; 0 where it shows something else.
    pub(super) fn classes_after_box(&self, axis: usize) -> Option<usize> {
        let scores = self.scores_along(axis)?;
        let (box_, rest) = scores.split_at_checked(4)?;
        let classes = rest.iter().take_while(|is_score| **is_score).count();
        Some(if box_.contains(&true) { 0 } else { classes })
    }

    /// Whether a column of the first output, `[1, N, K]`, is the same for every image.
    pub(super) fn column_is_constant(&self, column: usize) -> bool {
        self.source_of(column).is_some_and(|value| self.graph.value(value).constant.is_some())
    }

    /// Whether a column of the first output, `[1, N, K]`, holds whole numbers.
    pub(super) fn column_is_whole(&self, column: usize) -> bool {
        self.source_of(column).is_some_and(|value| comes_from_integers(self.graph, value))
    }

    fn source_of(&self, column: usize) -> Option<ValueId> {
        source_of_column(self.graph, *self.graph.outputs.first()?, column)
    }

    /// Whether the rows of the first output can be a box followed by nothing but scores, as far as the
    /// graph shows.
    pub(super) fn scores_follow_box(&self) -> bool {
        let rest = self.first().last().map_or(0, |width| width.saturating_sub(4));
        self.classes_after_box(2).is_none_or(|scores| scores == rest)
    }

    /// Whether the metadata allows the model to be of one of the `tasks`: it says so, or nothing.
    pub(super) fn may_be(&self, tasks: &[&str]) -> bool {
        self.task.is_none_or(|named| tasks.contains(&named))
    }

    /// Whether there are labels for this number of classes, or COCO's for its numbers with their gaps.
    pub(super) fn labels_name(&self, classes: usize) -> bool {
        self.labels == Some(classes) || (self.coco_labels && classes == coco::CATEGORY_IDS)
    }

    /// Whether the labels, if there are any, are as many as the classes.
    pub(super) fn labels_allow(&self, classes: usize) -> bool {
        self.labels.is_none_or(|labels| labels == classes)
    }

    /// Number that the file gives the first label, for files that say no class but 0 stands for nothing: what the
    /// sidecar says, 0 where the labels begin with the background or the file numbers them, else `default`.
    pub(super) fn first_class_or(&self, default: usize) -> usize {
        let of_labels = if self.background_label || self.numbered_labels { 0 } else { default };
        self.first_class.unwrap_or(of_labels)
    }

    /// Shape of the first output; without axes if there is none.
    pub(super) fn first(&self) -> &'a [usize] {
        self.shapes.first().map_or(&[], |output| output.shape)
    }

    /// The strides of the sidecar, or those of most detectors.
    pub(super) fn strides_or_default(&self) -> &'a [usize] {
        self.strides.unwrap_or(DEFAULT_STRIDES[0])
    }

    /// The strides whose grids have this many cells together: those of the sidecar or, if it names
    /// none, those of most detectors.
    pub(super) fn strides_of(&self, cells: usize) -> Option<&'a [usize]> {
        let matches = |strides: &&[usize]| grid_cells(self.input, strides) == cells;
        match self.strides {
            Some(strides) => Some(strides).filter(matches),
            None => DEFAULT_STRIDES.into_iter().find(matches),
        }
    }

    /// Whether a further output belongs to the same candidates, or holds the prototypes of masks:
    /// the first one alone is not all there is to read then.
    pub(super) fn first_has_a_companion(&self, candidates: usize) -> bool {
        self.shapes.iter().skip(1).any(|output| {
            let is_map = |shape: &[usize]| matches!(shape, [1, 2..=256, h, w] if h.min(w) > &1);
            // A single map holds prototypes; several are the heads that the file decodes.
            output.shape.contains(&candidates) || (self.shapes.len() == 2 && is_map(output.shape))
        })
    }

    /// Whether the first output is raw.
    pub(super) fn first_is_raw(&self) -> bool {
        self.is_raw(0)
    }

    /// Whether an output holds what convolutions made, at most through a sigmoid and moved to other
    /// places. Where the file computes further, boxes may be decoded already.
    pub(super) fn is_raw(&self, position: usize) -> bool {
        let graph = self.graph;
        let producers = graph.producers();
        let mut open: Vec<ValueId> = graph.outputs.get(position).copied().into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(value) = open.pop() {
            let Some(producer) = producers[value.0].filter(|_| seen.insert(value)) else {
                continue;
            };
            let node = &graph.nodes[producer];
            match &node.operator {
                Operator::Convolution(_)
                | Operator::TransposedConvolution(_)
                | Operator::MatMul => {}
                operator if is_transparent(operator) || self.adds_bias(operator, &node.inputs) => {
                    open.extend(&node.inputs);
                }
                _ => return false,
            }
        }
        true
    }

    /// The source of an output, before it is moved and scaled by constants.
    pub(super) fn origin(&self, position: usize) -> Origin {
        self.graph.outputs.get(position).map_or(Origin::Unknown, |id| origin(self.graph, *id))
    }

    /// Channels of the parts that are joined to an output; `None` where it is not joined.
    pub(super) fn joined(&self, position: usize) -> Option<Vec<usize>> {
        joined(self.graph, *self.graph.outputs.get(position)?)
    }

    /// Which channels of joined parts come out of a sigmoid, as far as the graph shows.
    pub(super) fn channels_through_sigmoid(&self, position: usize) -> Vec<bool> {
        let channels: usize = self.joined(position).unwrap_or_default().iter().sum();
        let shape = self.shapes[position].shape;
        let axis = if shape.get(1) == Some(&channels) { 1 } else { shape.len() - 1 };
        let shown = score_columns(self.graph, self.graph.outputs[position], axis);
        shown.unwrap_or_else(|| vec![false; channels])
    }

    /// Whether an output comes out of a softmax and has at most been moved since.
    pub(super) fn is_softmax(&self, position: usize) -> bool {
        let producers = self.graph.producers();
        let mut value = self.graph.outputs.get(position).copied();
        while let Some(producer) = value.and_then(|value| producers[value.0]) {
            let node = &self.graph.nodes[producer];
            match &node.operator {
                Operator::Softmax { .. } => return true,
                operator if is_transparent(operator) => value = node.inputs.first().copied(),
                _ => return false,
            }
        }
        false
    }

    /// Whether an output comes out of a sigmoid or a softmax.
    pub(super) fn holds_scores(&self, position: usize) -> bool {
        let Some(output) = self.graph.outputs.get(position) else { return false };
        let last = self.shapes[position].shape.len().saturating_sub(1);
        let columns = score_columns(self.graph, *output, last);
        columns.is_some_and(|columns| columns.iter().all(|is_score| *is_score))
    }

    /// Whether the operator adds one number to each channel, as exporters write a bias.
    fn adds_bias(&self, operator: &Operator, operands: &[ValueId]) -> bool {
        *operator == Operator::Binary(Binary::Add)
            && operands.iter().any(|operand| {
                let value = self.graph.value(*operand);
                value.constant.is_some()
                    && value.shape.iter().filter(|extent| **extent != 1).count() <= 1
            })
    }
}

/// Whether an operator moves elements or makes scores of them, but decodes nothing.
fn is_transparent(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::Reshape { .. }
            | Operator::Transpose { .. }
            | Operator::Concat { .. }
            | Operator::Slice(_)
            | Operator::Cast(_)
            | Operator::Activation(Activation::Sigmoid)
    )
}

/// Names and shapes, for messages.
/// Outputs that a message lists: all of a head with four for each of five strides.
const MOST_SHOWN: usize = 20;

impl fmt::Display for ModelOutputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, OutputShape { name, shape }) in self.shapes.iter().enumerate().take(MOST_SHOWN)
        {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}`{name}` {shape:?}")?;
        }
        match self.shapes.len().saturating_sub(MOST_SHOWN) {
            0 => Ok(()),
            rest => write!(f, " and {rest} more"),
        }
    }
}

/// Columns and rows of the grid with cells of `stride` pixels; a cut-off cell at an edge counts.
pub(super) fn grid(input: Size, stride: usize) -> (usize, usize) {
    (input.width.div_ceil(stride), input.height.div_ceil(stride))
}

/// Number of cells in the grids of all `strides` together.
pub(super) fn grid_cells(input: Size, strides: &[usize]) -> usize {
    let cells = |stride: &usize| {
        let (columns, rows) = grid(input, *stride);
        columns * rows
    };
    strides.iter().map(cells).sum()
}
