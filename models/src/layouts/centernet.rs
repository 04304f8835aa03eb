//! `centernet`: objects as points, peaks of a heat map for each class.

use framegate_backend_api::OutputBatch;

use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{check_scores, logit, reaches, sigmoid};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};
use crate::image_input::LetterboxAlign;

/// CenterNet as its authors prepare images: BGR with a mean of COCO's own, centred on black.
const CENTERNET: Family = Family {
    name: "centernet",
    preprocessing: Preprocessing::STRETCHED
        .bgr()
        .letterboxed(LetterboxAlign::Centre, 0)
        .standardised(
            [0.408 * 255.0, 0.447 * 255.0, 0.470 * 255.0],
            [0.289 * 255.0, 0.274 * 255.0, 0.278 * 255.0],
        ),
};

/// Input pixels per cell.
const STRIDE: usize = 4;

/// Heat `[1, C, H, W]`, width and height in cells `[1, 2, H, W]` and offsets of the centre in x and y
/// `[1, 2, H, W]`: a peak has no higher neighbour among eight; centre = 4 · (cell + offset), size = 4 · size.
/// <https://arxiv.org/abs/1904.07850>
#[derive(Debug)]
pub(super) struct CenterNet;

/// Classes, and columns and rows of the maps.
fn find(outputs: &ModelOutputs<'_>) -> Option<(usize, [usize; 2])> {
    let [height, width] = [outputs.input.height / STRIDE, outputs.input.width / STRIDE];
    let channels = outputs.shapes.iter().map(|output| match *output.shape {
        [1, channels, h, w] if [h, w] == [height, width] => channels,
        _ => 0,
    });
    match channels.collect::<Vec<_>>()[..] {
        [classes, 2, 2] if classes > 0 => Some((classes, [width, height])),
        _ => None,
    }
}

impl Layout for CenterNet {
    fn names(&self) -> &'static [&'static str] {
        &["centernet"]
    }

    fn shape(&self) -> &'static str {
        "heat [1, classes, height / 4, width / 4], sizes and offsets [1, 2, height / 4, width / 4]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs).map(|(classes, _)| Reading::of(ClassCount::Known(classes)))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let names: Vec<&str> = outputs.shapes.iter().map(|output| output.name).collect();
        if names == ["hm", "wh", "reg"] {
            return Recognition::Yes("the outputs have the names of CenterNet".to_owned());
        }
        Recognition::Maybe(&[SidecarLine {
            line: "boxes = \"centernet\"",
            when: "maps of heat, of widths and heights and of offsets",
        }])
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&CENTERNET]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let (_, [columns, rows]) = find(outputs).expect("`read` found the outputs");
        Box::new(CenterNetDecoder { columns, rows, is_ready: outputs.holds_scores(0) })
    }
}

#[derive(Debug)]
struct CenterNetDecoder {
    columns: usize,
    rows: usize,
    /// Whether the file has applied the sigmoid.
    is_ready: bool,
}

impl CenterNetDecoder {
    fn is_peak(&self, heat: &[f32], cell: usize) -> bool {
        let (column, row) = (cell % self.columns, cell / self.columns);
        let columns = column.saturating_sub(1)..(column + 2).min(self.columns);
        let mut rows = row.saturating_sub(1)..(row + 2).min(self.rows);
        rows.all(|row| columns.clone().all(|at| heat[row * self.columns + at] <= heat[cell]))
    }
}

impl Decoder for CenterNetDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let [heat, sizes, offsets] = [0, 1, 2].map(|output| outputs.tensors[output].image(image));
        let plane = self.columns * self.rows;
        let threshold = if self.is_ready { confidence } else { logit(confidence) };
        for (class_id, heat) in heat.chunks_exact(plane).enumerate() {
            for (cell, raw) in heat.iter().enumerate() {
                if !reaches(*raw, threshold) || !self.is_peak(heat, cell) {
                    continue;
                }
                let score = if self.is_ready { *raw } else { sigmoid(*raw) };
                let x = (cell % self.columns) as f32 + offsets[cell];
                let y = (cell / self.columns) as f32 + offsets[plane + cell];
                let box_ = [x, y, sizes[cell], sizes[plane + cell]];
                let box_ = box_.map(|number| number * STRIDE as f32);
                candidates.extend(Candidate::from_centre(box_, score, class_id));
            }
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        match self.is_ready {
            true => check_scores(outputs.tensors[0].image(image)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    #[test]
    fn only_peaks_are_objects() {
        let input = Size { width: 32, height: 16 };
        let (mut heat, mut sizes, mut offsets) =
            (vec![-5.0; 2 * 32], vec![1.0; 2 * 32], vec![0.0; 2 * 32]);
        let cell = 32 + 2 * 8 + 3;
        (heat[cell], heat[cell + 1], heat[cell - 8]) = (2.0, 1.5, 1.0);
        (sizes[19], sizes[32 + 19]) = (4.0, 2.0);
        (offsets[19], offsets[32 + 19]) = (0.5, 0.25);
        let outputs = [
            ("hm", &[1, 2, 4, 8][..], heat),
            ("wh", &[1, 2, 4, 8], sizes),
            ("reg", &[1, 2, 4, 8], offsets),
        ];
        let found = decode("centernet", input, &outputs);
        assert_eq!(found.len(), 1);
        let score = 1.0 / (1.0 + (-2.0_f32).exp());
        assert_box(&found[0], 1, score, [6.0, 5.0, 22.0, 13.0]);
        let shapes = outputs.map(|(name, shape, _)| (name, shape));
        assert_eq!(recognised(&shapes, input, |outputs| outputs), Ok("centernet"));
    }
}
