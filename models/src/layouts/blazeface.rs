//! `blazeface`, `blazepalm` and `blazepose`: MediaPipe's faces, palms and people, raw numbers for anchors of grids.

use framegate_backend_api::OutputBatch;

use super::anchors::{cells, position};
use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, Rows, grid};
use super::scores::{logit, reaches, sigmoid};
use super::{Candidate, Decoder, Keypoint, Layout, Reading, Recognition};
use crate::image_input::LetterboxAlign;

/// MediaPipe: centred on black, from −1 to 1.
const BLAZEFACE: Family = Family {
    name: "blazeface",
    preprocessing: Preprocessing::STRETCHED
        .letterboxed(LetterboxAlign::Centre, 0)
        .standardised([127.5; 3], [127.5; 3]),
};

/// Strides and how many anchors each cell has, the finest grid first.
type Grids = &'static [(usize, usize)];

/// Inputs of 128 and 192 pixels.
const NEAR: Grids = &[(8, 2), (16, 6)];
/// The model for distant faces.
const FAR: Grids = &[(16, 2), (32, 6)];
/// Its successor.
const FULL_RANGE: Grids = &[(4, 1)];
const POSE: Grids = &[(8, 2), (16, 2), (32, 6)];

/// Numbers `[1, N, 4 + 2 · K]` and logits `[1, N, 1]` for `N` anchors; or an output for each grid. Centre, size and `K` key
/// points are in input pixels, positions from the middle of the cell.
#[derive(Debug)]
pub(super) struct BlazeFace {
    names: &'static [&'static str],
    labels: &'static [&'static str],
    /// Numbers of each anchor.
    width: usize,
    grids: &'static [Grids],
}

/// Six key points.
pub(super) static FACES: BlazeFace = BlazeFace {
    names: &["blazeface"],
    labels: &["face"],
    width: 16,
    grids: &[NEAR, FAR, FULL_RANGE],
};
/// Seven key points.
pub(super) static PALMS: BlazeFace =
    BlazeFace { names: &["blazepalm"], labels: &["palm"], width: 18, grids: &[NEAR, FAR] };
/// Four key points, of which the first two show how a person lies.
pub(super) static PERSONS: BlazeFace =
    BlazeFace { names: &["blazepose"], labels: &["person"], width: 12, grids: &[POSE] };

/// The outputs of consecutive anchors.
#[derive(Debug, Clone, Copy)]
struct Part {
    numbers: usize,
    logits: usize,
    anchors: usize,
}

impl BlazeFace {
    fn find(&self, outputs: &ModelOutputs<'_>) -> Option<(Vec<Part>, Grids)> {
        let of = |rows: Rows| {
            let is = |position: &usize| outputs.rows(*position) == Some(rows);
            (0..outputs.shapes.len()).find(is)
        };
        let part = |count: usize| {
            let numbers = of(Rows { count, width: self.width })?;
            let logits = of(Rows { count, width: 1 })?;
            Some(Part { numbers, logits, anchors: count })
        };
        self.grids.iter().find_map(|grids| {
            let anchors = |(stride, each): &(usize, usize)| each * cells(outputs.input, *stride);
            let whole = part(grids.iter().map(anchors).sum()).map(|part| vec![part]);
            let parts = whole.or_else(|| grids.iter().map(|grid| part(anchors(grid))).collect())?;
            Some((parts, *grids))
        })
    }
}

impl Layout for BlazeFace {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[1, anchors, 12, 16 or 18] and logits [1, anchors, 1], whole or for each grid"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        self.find(outputs).map(|_| Reading::of(ClassCount::Known(1)))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some((parts, _)) = self.find(outputs) else { return Recognition::No };
        let count: usize = parts.iter().map(|part| part.anchors).sum();
        let width = self.width;
        Recognition::Yes(format!("the outputs are {width} numbers and a logit for {count} anchors"))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&BLAZEFACE]
    }

    fn labels(&self) -> &'static [&'static str] {
        self.labels
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let (parts, grids) = self.find(outputs).expect("`read` found the outputs");
        let anchors = grids.iter().flat_map(|(stride, each)| {
            let columns = grid(outputs.input, *stride).0;
            (0..cells(outputs.input, *stride) * each).map(move |anchor| {
                position(anchor / each, columns).map(|at| (at + 0.5) * *stride as f32)
            })
        });
        Box::new(BlazeFaceDecoder { parts, width: self.width, anchors: anchors.collect() })
    }
}

#[derive(Debug)]
struct BlazeFaceDecoder {
    parts: Vec<Part>,
    width: usize,
    /// The point that each anchor measures from.
    anchors: Vec<[f32; 2]>,
}

impl Decoder for BlazeFaceDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let threshold = logit(confidence);
        let mut first = 0;
        for part in &self.parts {
            let rows = outputs.tensors[part.numbers].image(image).chunks_exact(self.width);
            let logits = outputs.tensors[part.logits].image(image);
            let anchors = &self.anchors[first..];
            let rows = rows.zip(logits).zip(anchors).enumerate();
            candidates.extend(rows.filter_map(|(row, ((numbers, raw), [x, y]))| {
                if !reaches(*raw, threshold) {
                    return None;
                }
                let centre_and_size = [numbers[0] + x, numbers[1] + y, numbers[2], numbers[3]];
                let candidate = Candidate::from_centre(centre_and_size, sigmoid(*raw), 0)?;
                Some(candidate.at(first + row))
            }));
            first += part.anchors;
        }
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let [x, y] = self.anchors[candidate.index];
        let mut row = candidate.index;
        for part in &self.parts {
            if row < part.anchors {
                let elements = outputs.tensors[part.numbers].image(image);
                let points = &elements[row * self.width + 4..][..self.width - 4];
                let points = points.as_chunks::<2>().0.iter();
                keypoints.extend(points.map(|[dx, dy]| Keypoint::sure(x + dx, y + dy)));
                return;
            }
            row -= part.anchors;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 128, height: 128 };

    #[test]
    fn anchors_of_both_grids_are_found() {
        let mut numbers = vec![0.0; 384 * 16];
        let mut logits = vec![-100.0; 384];
        // Stride 16, second row, third column, last anchor: (40, 24).
        let row = (8 + 2) * 6 + 5;
        logits[row] = 3f32.ln();
        numbers[row * 16..][..6].copy_from_slice(&[2.0, -4.0, 20.0, 10.0, 1.0, 5.0]);
        let outputs = [
            ("Identity", &[1, 512, 1][..], vec![-100.0; 512]),
            ("Identity_1", &[1, 384, 1], logits),
            ("Identity_2", &[1, 512, 16], vec![0.0; 512 * 16]),
            ("Identity_3", &[1, 384, 16], numbers),
        ];
        let layout = BoxLayout::named("blazeface").unwrap();
        let mut decoder = decoder(&layout, INPUT, &outputs);
        let batch = batch(&outputs);
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        assert_box(&candidates[0], 0, 0.75, [32.0, 15.0, 52.0, 25.0]);
        let mut points = Vec::new();
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        assert_eq!((points.len(), points[0]), (6, Keypoint::sure(41.0, 29.0)));
        let whole = [("r", &[1, 896, 16][..]), ("c", &[1, 896, 1])];
        assert_eq!(recognised(&whole, INPUT, |outputs| outputs), Ok("blazeface"));
        let palm = [("r", &[1, 2016, 18][..]), ("c", &[1, 2016, 1])];
        let palms = Size { width: 192, height: 192 };
        assert_eq!(recognised(&palm, palms, |outputs| outputs), Ok("blazepalm"));
        let distant = [("r", &[1, 2304, 16][..]), ("c", &[1, 2304, 1])];
        assert_eq!(recognised(&distant, palms, |outputs| outputs), Ok("blazeface"));
    }

    #[test]
    fn people_have_anchors_of_three_grids() {
        let size = Size { width: 224, height: 224 };
        let mut numbers = vec![0.0; 2254 * 12];
        let mut logits = vec![-100.0; 2254];
        // Stride 32, second row, third column, last anchor: (80, 48).
        let row = 2 * 28 * 28 + 2 * 14 * 14 + (7 + 2) * 6 + 5;
        logits[row] = 3f32.ln();
        numbers[row * 12..][..6].copy_from_slice(&[2.0, -4.0, 20.0, 10.0, 1.0, 5.0]);
        let outputs =
            [("Identity", &[1, 2254, 12][..], numbers), ("Identity_1", &[1, 2254, 1], logits)];
        let layout = BoxLayout::named("blazepose").unwrap();
        let mut decoder = decoder(&layout, size, &outputs);
        let batch = batch(&outputs);
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        assert_box(&candidates[0], 0, 0.75, [72.0, 39.0, 92.0, 49.0]);
        let mut points = Vec::new();
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        assert_eq!((points.len(), points[0]), (4, Keypoint::sure(81.0, 53.0)));
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, size, |outputs| outputs), Ok("blazepose"));
    }
}
