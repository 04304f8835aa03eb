//! What the shapes of a model's outputs say: how many candidates and classes, if a decoder fits.

use std::fmt::Write as _;

use framegate_backend_api::graph::Graph;

use super::BoxDecoder;
use crate::Size;

/// A model output as box decoders see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputShape<'a> {
    /// Name in the model file.
    pub name: &'a str,
    /// Shape for one image, batch axis first.
    pub shape: &'a [usize],
}

impl<'a> OutputShape<'a> {
    /// The outputs of a graph, in the file's order.
    pub fn of(graph: &'a Graph) -> Vec<Self> {
        let output = |id| {
            let value = graph.value(id);
            Self { name: &value.name, shape: &value.shape }
        };
        graph.outputs.iter().copied().map(output).collect()
    }
}

/// How many classes the outputs tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassCount {
    /// The shapes say so.
    Known(usize),
    /// Class numbers stand in the output's elements; the shapes say nothing.
    Open,
}

impl BoxDecoder {
    /// Checks that outputs of these shapes can be decoded, and counts the classes. All decoders but
    /// `yunet` read the first output and ignore further ones.
    ///
    /// # Errors
    /// What the decoder needs, when the outputs are not like that.
    pub fn check(&self, outputs: &[OutputShape<'_>], input: Size) -> Result<ClassCount, String> {
        let first = outputs.first().map_or(&[][..], |output| output.shape);
        let count = match (self, first) {
            (Self::Yolox { strides }, [1, n, row]) if *n == grid_cells(input, strides) => {
                known_beyond(*row, 5)
            }
            (Self::Yolov5, [1, _, row]) => known_beyond(*row, 5),
            (Self::Yolov8, [1, column, n]) if *n > 0 => known_beyond(*column, 4),
            (Self::End2end, [1, _, 6]) => Some(ClassCount::Open),
            (Self::Yunet { strides }, _) if is_yunet(outputs, input, strides) => {
                Some(ClassCount::Known(1))
            }
            (Self::Classify, [1, classes]) => known_beyond(*classes, 0),
            _ => None,
        };
        count.ok_or_else(|| {
            format!(
                "`{self}` needs {} for an input of {input}, but the outputs are {}",
                self.requirement(input),
                describe(outputs)
            )
        })
    }

    fn requirement(&self, input: Size) -> String {
        match self {
            Self::Yolox { strides } => {
                format!("[1, {}, 5 + classes] with strides {strides:?}", grid_cells(input, strides))
            }
            Self::Yolov5 => "[1, candidates, 5 + classes]".to_owned(),
            Self::Yolov8 => "[1, 4 + classes, candidates]".to_owned(),
            Self::End2end => "[1, candidates, 6]".to_owned(),
            Self::Yunet { strides } => format!(
                "outputs cls_S and obj_S of [1, cells, 1] and bbox_S of [1, cells, 4] for S in {strides:?}"
            ),
            Self::Classify => "[1, classes]".to_owned(),
        }
    }
}

/// The classes in a candidate of `extent` elements, `others` of which are not classes.
fn known_beyond(extent: usize, others: usize) -> Option<ClassCount> {
    extent.checked_sub(others).filter(|classes| *classes > 0).map(ClassCount::Known)
}

/// Columns and rows of the grid with cells of `stride` pixels; a cut-off cell at an edge counts.
pub fn grid(input: Size, stride: usize) -> (usize, usize) {
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

/// Whether the outputs that YuNet's boxes are made of are there; its landmarks (`kps_S`) are not
/// used and may be missing.
fn is_yunet(outputs: &[OutputShape<'_>], input: Size, strides: &[usize]) -> bool {
    let has = |name: String, cells: usize, extent: usize| {
        outputs.iter().any(|output| output.name == name && *output.shape == [1, cells, extent])
    };
    strides.iter().all(|stride| {
        let cells = grid_cells(input, &[*stride]);
        has(format!("cls_{stride}"), cells, 1)
            && has(format!("obj_{stride}"), cells, 1)
            && has(format!("bbox_{stride}"), cells, 4)
    })
}

/// Names and shapes, for messages.
pub(super) fn describe(outputs: &[OutputShape<'_>]) -> String {
    let mut text = String::new();
    for OutputShape { name, shape } in outputs {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}`{name}` {shape:?}");
    }
    text
}
