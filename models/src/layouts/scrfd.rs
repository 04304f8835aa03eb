//! `scrfd`: SCRFD's faces, as insightface exports them: scores, distances and key points for each stride.

use framegate_backend_api::OutputBatch;

use super::anchors::{around, per_stride, position};
use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition};
use crate::image_input::LetterboxAlign;

/// insightface: top left on black.
const SCRFD: Family = Family {
    name: "scrfd",
    preprocessing: Preprocessing::STRETCHED
        .letterboxed(LetterboxAlign::TopLeft, 0)
        .standardised([127.5; 3], [128.0; 3]),
};

/// Boxes of each cell.
const ANCHORS: usize = 2;
/// Numbers of five key points.
const KEYPOINTS: usize = 10;

/// For each of the strides 8, 16 and 32 an output of scores `[1, 2 · cells, 1]`, one of distances
/// `[1, 2 · cells, 4]`, and possibly one of key points `[1, 2 · cells, 10]`; the batch axis may be missing.
/// Distances and key points count in strides from the cell's top left corner.
#[derive(Debug)]
pub(super) struct Scrfd;

impl Layout for Scrfd {
    fn names(&self) -> &'static [&'static str] {
        &["scrfd"]
    }

    fn shape(&self) -> &'static str {
        "faces, with scores [1, 2 cells, 1], distances [1, 2 cells, 4] for each stride"
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        format!(
            "outputs of [1, 2 x cells, 1] and [1, 2 x cells, 4] for the strides {:?}",
            outputs.strides_or_default()
        )
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let strides = outputs.strides_or_default();
        per_stride(outputs, strides, ANCHORS, 1)?;
        per_stride(outputs, strides, ANCHORS, 4)?;
        let one = Reading::of(ClassCount::Known(1));
        Some(Reading { strides: strides.to_vec(), ..one })
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        Recognition::Yes(format!(
            "the outputs are scores and distances of two boxes in each cell of the strides {:?}",
            reading.strides
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&SCRFD]
    }

    fn labels(&self) -> &'static [&'static str] {
        &["face"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let of_width = |width| per_stride(outputs, &reading.strides, ANCHORS, width);
        let (scores, boxes) = of_width(1).zip(of_width(4)).expect("`read` found the outputs");
        let keypoints = of_width(KEYPOINTS);
        let levels = reading.strides.iter().enumerate().map(|(level, stride)| Level {
            stride: *stride as f32,
            columns: grid(outputs.input, *stride).0,
            scores: scores[level],
            boxes: boxes[level],
            keypoints: keypoints.as_ref().map(|keypoints| keypoints[level]),
        });
        Box::new(ScrfdDecoder { levels: levels.collect() })
    }
}

/// The outputs of one stride, by their position among the model's outputs.
#[derive(Debug)]
struct Level {
    stride: f32,
    columns: usize,
    scores: usize,
    boxes: usize,
    keypoints: Option<usize>,
}

impl Level {
    /// The point that anchor number `row` measures from.
    fn origin(&self, row: usize) -> [f32; 2] {
        position(row / ANCHORS, self.columns).map(|cell| cell * self.stride)
    }
}

#[derive(Debug)]
struct ScrfdDecoder {
    levels: Vec<Level>,
}

impl Decoder for ScrfdDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let mut first = 0;
        for level in &self.levels {
            let scores = outputs.tensors[level.scores].image(image);
            let (boxes, _) = outputs.tensors[level.boxes].image(image).as_chunks::<4>();
            let rows = scores.iter().zip(boxes).enumerate();
            candidates.extend(rows.filter_map(|(row, (score, distances))| {
                if !reaches(*score, confidence) {
                    return None;
                }
                let distances = distances.map(|distance| distance * level.stride);
                let corners = around(level.origin(row), distances);
                Some(Candidate::from_corners(corners, *score, 0)?.at(first + row))
            }));
            first += scores.len();
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let scores = self.levels.iter().map(|level| outputs.tensors[level.scores].image(image));
        scores.map(check_scores).collect()
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let mut row = candidate.index;
        for level in &self.levels {
            let rows = outputs.tensors[level.scores].image(image).len();
            if row >= rows {
                row -= rows;
                continue;
            }
            let Some(output) = level.keypoints else { return };
            let points = &outputs.tensors[output].image(image)[row * KEYPOINTS..][..KEYPOINTS];
            let [x, y] = level.origin(row);
            keypoints.extend(
                points
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|[dx, dy]| Keypoint::sure(x + dx * level.stride, y + dy * level.stride)),
            );
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 64, height: 64 };

    #[test]
    fn faces_are_measured_in_strides_from_their_cell() {
        let zeros = |len: usize| vec![0.0; len];
        let mut scores = zeros(32);
        let mut boxes = zeros(128);
        let mut points = zeros(320);
        // Stride 16, second row, third column, second anchor.
        let row = (4 + 2) * 2 + 1;
        scores[row] = 0.75;
        boxes[row * 4..][..4].copy_from_slice(&[1.0, 0.5, 0.25, 0.5]);
        points[row * 10..][..4].copy_from_slice(&[-0.5, 0.25, 0.125, 0.0]);
        let outputs = [
            ("448", &[128, 1][..], zeros(128)),
            ("471", &[32, 1], scores),
            ("494", &[8, 1], zeros(8)),
            ("451", &[128, 4], zeros(512)),
            ("474", &[32, 4], boxes),
            ("497", &[8, 4], zeros(32)),
            ("454", &[128, 10], zeros(1280)),
            ("477", &[32, 10], points),
            ("500", &[8, 10], zeros(80)),
        ];
        let layout = BoxLayout::named("scrfd").unwrap();
        let mut decoder = decoder(&layout, INPUT, &outputs);
        let batch = batch(&outputs);
        decoder.check(&batch, 0).unwrap();
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        assert_box(&candidates[0], 0, 0.75, [16.0, 8.0, 36.0, 24.0]);
        let mut points = Vec::new();
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        assert_eq!(points.len(), 5);
        assert_eq!(points[..2], [Keypoint::sure(24.0, 20.0), Keypoint::sure(34.0, 16.0)]);
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("scrfd"));
    }
}
