//! `blazeface` and `blazepalm`: MediaPipe's faces and palms, raw numbers for anchors of two grids.

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

/// Anchors of each cell of the finer grid, and of the one of twice its stride.
const ANCHORS: [usize; 2] = [2, 6];
/// Strides of the finer grid: inputs of 128 and 192 pixels, and the model for distant faces.
const STRIDES: [usize; 2] = [8, 16];

/// Numbers `[1, N, 16]` or `[1, N, 18]` and logits `[1, N, 1]`, `N` being 2 anchors for each cell of the
/// finer grid and 6 of the coarser one; or an output for each grid. Centre, size and key points are in
/// input pixels, positions from the middle of the cell.
#[derive(Debug)]
pub(super) struct BlazeFace {
    names: &'static [&'static str],
    labels: &'static [&'static str],
    /// Numbers of each anchor.
    width: usize,
}

/// Four numbers of a box and six key points.
pub(super) static FACES: BlazeFace =
    BlazeFace { names: &["blazeface"], labels: &["face"], width: 16 };
/// Four numbers of a box and seven key points.
pub(super) static PALMS: BlazeFace =
    BlazeFace { names: &["blazepalm"], labels: &["palm"], width: 18 };

/// The outputs of consecutive anchors.
#[derive(Debug, Clone, Copy)]
struct Part {
    numbers: usize,
    logits: usize,
    anchors: usize,
}

fn find(outputs: &ModelOutputs<'_>, width: usize) -> Option<(Vec<Part>, usize)> {
    let of = |rows: Rows| {
        let is = |position: &usize| outputs.rows(*position) == Some(rows);
        (0..outputs.shapes.len()).find(is)
    };
    let part = |count: usize| {
        let numbers = of(Rows { count, width })?;
        let logits = of(Rows { count, width: 1 })?;
        Some(Part { numbers, logits, anchors: count })
    };
    STRIDES.into_iter().find_map(|stride| {
        let fine = ANCHORS[0] * cells(outputs.input, stride);
        let coarse = ANCHORS[1] * cells(outputs.input, 2 * stride);
        let whole = part(fine + coarse).map(|part| vec![part]);
        let parts = whole.or_else(|| Some(vec![part(fine)?, part(coarse)?]))?;
        Some((parts, stride))
    })
}

impl Layout for BlazeFace {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[1, anchors, 16 or 18] and logits [1, anchors, 1], whole or for each of two grids"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs, self.width).map(|_| Reading::of(ClassCount::Known(1)))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some((parts, _)) = find(outputs, self.width) else { return Recognition::No };
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
        let (parts, stride) = find(outputs, self.width).expect("`read` found the outputs");
        let grids = [(stride, ANCHORS[0]), (2 * stride, ANCHORS[1])];
        let anchors = grids.into_iter().flat_map(|(stride, each)| {
            let columns = grid(outputs.input, stride).0;
            (0..cells(outputs.input, stride) * each).map(move |anchor| {
                position(anchor / each, columns).map(|at| (at + 0.5) * stride as f32)
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
    }
}
