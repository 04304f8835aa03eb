//! `detectnet`: NVIDIA's DetectNet_v2, which TAO trains: a grid of scores and boxes for each class.

use framegate_backend_api::OutputBatch;

use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};

/// RGB from 0 to 1, stretched.
const DETECTNET: Family = Family { name: "detectnet", preprocessing: Preprocessing::STRETCHED };

/// Input pixels per cell.
const STRIDE: usize = 16;
/// Input pixels in the unit of distances.
const UNIT: f32 = 35.0;
/// Where in a cell distances are measured from, in input pixels.
const POINT: f32 = 0.5;

/// Scores `[1, C, H, W]` and, for each class, the distances to the left, top, right and bottom `[1, 4 · C, H, W]`, in 35
/// pixels; a cell is 16 pixels wide.
/// <https://github.com/NVIDIA-AI-IOT/deepstream_tao_apps>
#[derive(Debug)]
pub(super) struct DetectNet;

/// Positions of scores and boxes.
#[derive(Debug, Clone, Copy)]
struct Found {
    scores: usize,
    boxes: usize,
    classes: usize,
    cells: usize,
    columns: usize,
}

fn find(outputs: &ModelOutputs<'_>) -> Option<Found> {
    let (columns, rows) = grid(outputs.input, STRIDE);
    let channels = |position: usize| match *outputs.shapes.get(position)?.shape {
        [1, channels, h, w] if [h, w] == [rows, columns] => Some(channels),
        _ => None,
    };
    let of = |scores: usize, boxes: usize| {
        let classes = channels(scores)?;
        let found = Found { scores, boxes, classes, cells: columns * rows, columns };
        (channels(boxes)? == 4 * classes).then_some(found)
    };
    if outputs.shapes.len() != 2 {
        return None;
    }
    of(0, 1).or_else(|| of(1, 0))
}

impl Layout for DetectNet {
    fn names(&self) -> &'static [&'static str] {
        &["detectnet"]
    }

    fn shape(&self) -> &'static str {
        "scores [1, classes, height / 16, width / 16] and boxes [1, 4 x classes, height / 16, width / 16]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs).map(|found| Reading::of(ClassCount::Known(found.classes)))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some(found) = find(outputs) else { return Recognition::No };
        let is_called = |position: usize, part| outputs.shapes[position].name.contains(part);
        match is_called(found.scores, "cov") && is_called(found.boxes, "bbox") {
            true => Recognition::Yes("the outputs have the names of DetectNet_v2".to_owned()),
            // A network that proposes regions has a box for each of its anchors.
            false => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"detectnet\"",
                when: "a score and a box of each class for each cell (NVIDIA's DetectNet_v2)",
            }]),
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&DETECTNET]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(DetectNetDecoder(find(outputs).expect("`read` found the outputs")))
    }
}

#[derive(Debug)]
struct DetectNetDecoder(Found);

impl Decoder for DetectNetDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let Found { scores, boxes, cells, columns, .. } = self.0;
        let scores = outputs.tensors[scores].image(image).iter().enumerate();
        let distances = outputs.tensors[boxes].image(image);
        let certain = scores.filter(|(_, score)| reaches(**score, confidence));
        candidates.extend(certain.filter_map(|(index, score)| {
            let (class_id, cell) = (index / cells, index % cells);
            let point = |at: usize| (at * STRIDE) as f32 + POINT;
            let (x, y) = (point(cell % columns), point(cell / columns));
            let side = |side: usize| distances[(4 * class_id + side) * cells + cell] * UNIT;
            let corners = [x - side(0), y - side(1), x + side(2), y + side(3)];
            Candidate::from_corners(corners, *score, class_id)
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        check_scores(outputs.tensors[self.0.scores].image(image))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 64, height: 32 };

    #[test]
    fn distances_are_in_units_of_35_pixels() {
        // Two classes, cells of 2 rows and 4 columns; the second class in row 1, column 2.
        let cell = 4 + 2;
        let mut scores = vec![0.0; 2 * 8];
        scores[8 + cell] = 0.75;
        let mut boxes = vec![9.0; 8 * 8];
        for (side, distance) in [0.5, 0.2, 0.4, 0.1].into_iter().enumerate() {
            boxes[(4 + side) * 8 + cell] = distance;
        }
        let outputs = [
            ("output_cov/Sigmoid:0", &[1, 2, 2, 4][..], scores),
            ("output_bbox/BiasAdd:0", &[1, 8, 2, 4], boxes),
        ];
        let found = decode("detectnet", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        // From (32.5, 16.5).
        assert_box(&found[0], 1, 0.75, [15.0, 9.5, 46.5, 20.0]);
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("detectnet"));
        let unnamed = [("b", &[1, 8, 2, 4][..]), ("a", &[1, 2, 2, 4])];
        let message = recognised(&unnamed, INPUT, |outputs| outputs).unwrap_err().to_string();
        assert!(message.contains("`boxes = \"detectnet\"`"), "{message}");
    }
}
