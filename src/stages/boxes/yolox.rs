//! YOLOX: one candidate a grid cell, undecoded.

use framegate_models::Size;
use framegate_models::detector::grid;

use super::candidate::Candidate;
use super::rows::score_row;

/// Decodes rows of `[x, y, log width, log height, objectness, classes…]`, all in units of the
/// stride, `x` and `y` from the cell's top left corner.
///
/// centre = (cell + offset) · stride, size = exp(log size) · stride: `decode_outputs` of YOLOX,
/// <https://github.com/Megvii-BaseDetection/YOLOX>.
#[derive(Debug)]
pub(super) struct Yolox {
    grids: Vec<Grid>,
    row_len: usize,
}

/// The cells of one stride.
#[derive(Debug)]
struct Grid {
    stride: f32,
    columns: usize,
    cells: usize,
}

impl Yolox {
    pub(super) fn new(input: Size, strides: &[usize], row_len: usize) -> Self {
        let grid = |stride: &usize| {
            let (columns, rows) = grid(input, *stride);
            Grid { stride: *stride as f32, columns, cells: columns * rows }
        };
        Self { grids: strides.iter().map(grid).collect(), row_len }
    }

    pub(super) fn decode(&self, output: &[f32], confidence: f32, candidates: &mut Vec<Candidate>) {
        let mut rows = output.chunks_exact(self.row_len);
        for grid in &self.grids {
            for (cell, row) in rows.by_ref().take(grid.cells).enumerate() {
                let Some((score, class_id)) = score_row(row, confidence) else { continue };
                let x = (row[0] + (cell % grid.columns) as f32) * grid.stride;
                let y = (row[1] + (cell / grid.columns) as f32) * grid.stride;
                let size = [row[2].exp() * grid.stride, row[3].exp() * grid.stride];
                candidates.extend(Candidate::from_centre(
                    [x, y, size[0], size[1]],
                    score,
                    class_id,
                ));
            }
        }
    }
}
