//! `yolox`: YOLOX as its authors export it, one undecoded candidate for each grid cell.

use framegate_backend_api::OutputBatch;

use super::family::{Family, Preprocessing, YOLO_FILL};
use super::outputs::{ClassCount, ModelOutputs, grid, grid_cells};
use super::scores::{check_scores, score_row};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};
use crate::image_input::{ChannelOrder, Fit, LetterboxAlign, ResizeFilter};

/// `preproc` of YOLOX: letterboxed at the top left, BGR from 0 to 255.
pub(super) const YOLOX: Family = Family {
    name: "yolox",
    preprocessing: Preprocessing {
        channel_order: ChannelOrder::Bgr,
        mean: [0.0; 3],
        scale: [1.0; 3],
        fit: Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: YOLO_FILL },
        resize: ResizeFilter::Bilinear,
    },
};

/// `[1, N, 5 + C]`: rows of `[x, y, log width, log height, objectness, classes…]`, one for each cell
/// of the grids, row by row in the order of the strides.
#[derive(Debug)]
pub(super) struct Yolox;

impl Layout for Yolox {
    fn names(&self) -> &'static [&'static str] {
        &["yolox"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 5 + classes], undecoded, a candidate for each grid cell"
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        let strides = outputs.strides_or_default();
        let cells = grid_cells(outputs.input, strides);
        format!("[1, {cells}, 5 + classes] with strides {strides:?}")
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, candidates, row] = *outputs.first() else { return None };
        let strides = outputs.strides_of(candidates)?.to_vec();
        Some(Reading { strides, ..Reading::of(ClassCount::beyond(row, 5)?) })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let shape = outputs.first();
        if outputs.first_has_a_companion(shape[1])
            || !outputs.first_is_raw()
            || !outputs.scores_follow_box()
            || outputs.labels == Some(shape[2] - 4)
        {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the first output is {shape:?}: a row of 5 + classes, not decoded in the file, for each \
             of the {} grid cells of strides {:?}",
            shape[1], reading.strides
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&YOLOX]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let grid = |stride: &usize| {
            let (columns, rows) = grid(outputs.input, *stride);
            Grid { stride: *stride as f32, columns, cells: columns * rows }
        };
        let grids = reading.strides.iter().map(grid).collect();
        Box::new(YoloxDecoder { grids, row_len: outputs.first()[2] })
    }
}

/// All values are in units of the stride, `x` and `y` from the cell's top left corner:
/// centre = (cell + offset) · stride, size = exp(log size) · stride. This is `decode_outputs` of
/// YOLOX, <https://github.com/Megvii-BaseDetection/YOLOX>.
#[derive(Debug)]
struct YoloxDecoder {
    grids: Vec<Grid>,
    row_len: usize,
}

/// No box is larger than `exp` of this many cells: 22 000 cells.
const LARGEST_LOG: f32 = 10.0;

/// The cells of one stride.
#[derive(Debug)]
struct Grid {
    stride: f32,
    columns: usize,
    cells: usize,
}

impl Decoder for YoloxDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let mut rows = outputs.tensors[0].image(image).chunks_exact(self.row_len);
        for grid in &self.grids {
            for (cell, row) in rows.by_ref().take(grid.cells).enumerate() {
                let Some((score, class_id)) = score_row(row, confidence) else { continue };
                let x = (row[0] + (cell % grid.columns) as f32) * grid.stride;
                let y = (row[1] + (cell / grid.columns) as f32) * grid.stride;
                let (width, height) = (row[2].exp() * grid.stride, row[3].exp() * grid.stride);
                candidates.extend(Candidate::from_centre([x, y, width, height], score, class_id));
            }
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let elements = outputs.tensors[0].image(image);
        for row in elements.chunks_exact(self.row_len) {
            let size = row[2].max(row[3]);
            if size.is_finite() && size > LARGEST_LOG {
                return Err(Implausible(format!(
                    "the logarithm of a width or height is {size}, so the file decodes its boxes itself"
                )));
            }
            check_scores(&row[4..])?;
        }
        Ok(())
    }
}
