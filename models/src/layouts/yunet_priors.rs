//! `yunet-2021` and `lpd-yunet`: faces and licence plates relative to prior boxes, as OpenCV's model zoo had YuNet until
//! 2022 and has its detector of plates.

use framegate_backend_api::OutputBatch;

use super::family::Family;
use super::outputs::{ClassCount, ModelOutputs, Rows};
use super::prior_boxes::{Prior, on_grid};
use super::scores::{check_scores, reaches};
use super::yunet::YUNET;
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition, SidecarLine};
use crate::Size;

/// Sides in pixels of the prior boxes of each stride.
const PRIORS: [(f32, &[f32]); 4] = [
    (8.0, &[10.0, 16.0, 24.0]),
    (16.0, &[32.0, 48.0]),
    (32.0, &[64.0, 96.0]),
    (64.0, &[128.0, 192.0, 256.0]),
];
/// The units of positions and of logarithms of widths; of heights the second.
const VARIANCES: [f32; 2] = [0.1, 0.2];
/// Numbers of a prior box: four of a box and five points.
const ROW: usize = 14;

/// Rows of `[14]` relative to the prior boxes, of `[2]` for background and object, and of `[1]` for the overlap that the
/// box is expected to have: score = √(object · overlap).
/// <https://github.com/opencv/opencv/blob/4.5.4/modules/objdetect/src/face_detect.cpp>
#[derive(Debug)]
pub(super) struct YunetPriors {
    names: &'static [&'static str],
    labels: &'static [&'static str],
    /// The numbers where the points begin that the layout reports.
    points: &'static [usize],
    /// Whether a box is what its points span, and not what the first four numbers say.
    spanned: bool,
    lines: &'static [SidecarLine],
}

pub(super) static FACES: YunetPriors = YunetPriors {
    names: &["yunet-2021"],
    labels: &["face"],
    points: &[4, 6, 8, 10, 12],
    spanned: false,
    lines: &[SidecarLine { line: "boxes = \"yunet-2021\"", when: "YuNet of 2021 and 2022: faces" }],
};

/// The corners of plates, which the points in the middle of the row do not belong to.
pub(super) static PLATES: YunetPriors = YunetPriors {
    names: &["lpd-yunet"],
    labels: &["plate"],
    points: &[4, 6, 10, 12],
    spanned: true,
    lines: &[SidecarLine { line: "boxes = \"lpd-yunet\"", when: "LPD-YuNet: licence plates" }],
};

/// Positions of the outputs: numbers, scores and overlaps.
fn find(outputs: &ModelOutputs<'_>) -> Option<[usize; 3]> {
    let count = priors(outputs.input).len();
    let of_width = |width: usize| {
        let fits = |at: &usize| outputs.rows(*at) == Some(Rows { count, width });
        (0..outputs.shapes.len()).find(fits)
    };
    let found = [of_width(ROW)?, of_width(2)?, of_width(1)?];
    (outputs.shapes.len() == found.len()).then_some(found)
}

/// Every prior box, cell by cell. A side is halved and rounded up, then halved and rounded down for each stride.
fn priors(input: Size) -> Vec<Prior> {
    let mut side = [input.width, input.height].map(|side| side.div_ceil(2) / 2);
    let of_stride = |(stride, sides): (f32, &[f32])| {
        side = side.map(|cells| cells / 2);
        let sizes: Vec<[f32; 2]> = sides.iter().map(|side| [*side; 2]).collect();
        on_grid((side[0], side[1]), [stride; 2], &sizes).collect::<Vec<_>>()
    };
    PRIORS.into_iter().flat_map(of_stride).collect()
}

impl Layout for YunetPriors {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[priors, 14], [priors, 2] and [priors, 1] relative to YuNet's prior boxes"
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        format!("{}, of which there are {}", self.shape(), priors(outputs.input).len())
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs).map(|_| Reading::of(ClassCount::Known(1)))
    }

    /// Faces and plates have the same outputs.
    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Maybe(self.lines)
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&YUNET]
    }

    fn labels(&self) -> &'static [&'static str] {
        self.labels
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let [numbers, scores, overlaps] = find(outputs).expect("`read` found the outputs");
        Box::new(YunetPriorsDecoder {
            numbers,
            scores,
            overlaps,
            points: self.points,
            spanned: self.spanned,
            priors: priors(outputs.input),
        })
    }
}

#[derive(Debug)]
struct YunetPriorsDecoder {
    /// Positions of the outputs.
    numbers: usize,
    scores: usize,
    overlaps: usize,
    points: &'static [usize],
    spanned: bool,
    priors: Vec<Prior>,
}

/// A point, of which two numbers of a row are the distance from the middle of its prior box.
fn point_of(row: &[f32], at: usize, [x, y, width, height]: Prior) -> [f32; 2] {
    [x + row[at] * VARIANCES[0] * width, y + row[at + 1] * VARIANCES[0] * height]
}

/// The box that a row says.
fn box_of(row: &[f32], prior: Prior) -> [f32; 4] {
    let [x, y] = point_of(row, 0, prior);
    let [_, _, width, height] = prior;
    let half_width = width * (row[2] * VARIANCES[0]).exp() / 2.0;
    let half_height = height * (row[3] * VARIANCES[1]).exp() / 2.0;
    [x - half_width, y - half_height, x + half_width, y + half_height]
}

impl YunetPriorsDecoder {
    /// The upright box around the points.
    fn span(&self, row: &[f32], prior: Prior) -> [f32; 4] {
        let outside = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
        self.points.iter().fold(outside, |[left, top, right, bottom], at| {
            let [x, y] = point_of(row, *at, prior);
            [left.min(x), top.min(y), right.max(x), bottom.max(y)]
        })
    }
}

impl Decoder for YunetPriorsDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let (rows, _) = outputs.tensors[self.numbers].image(image).as_chunks::<ROW>();
        let (scores, _) = outputs.tensors[self.scores].image(image).as_chunks::<2>();
        let overlaps = outputs.tensors[self.overlaps].image(image);
        for (index, prior) in self.priors.iter().enumerate() {
            let score = (scores[index][1] * overlaps[index].clamp(0.0, 1.0)).sqrt();
            if !reaches(score, confidence) {
                continue;
            }
            let corners = match self.spanned {
                true => self.span(&rows[index], *prior),
                false => box_of(&rows[index], *prior),
            };
            let candidate = Candidate::from_corners(corners, score, 0);
            candidates.extend(candidate.map(|candidate| candidate.at(index)));
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        check_scores(outputs.tensors[self.scores].image(image))
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let row = &outputs.tensors[self.numbers].image(image)[candidate.index * ROW..][..ROW];
        let prior = self.priors[candidate.index];
        keypoints.extend(self.points.iter().map(|at| {
            let [x, y] = point_of(row, *at, prior);
            Keypoint::sure(x, y)
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::*;

    const INPUT: Size = Size { width: 160, height: 120 };
    const COUNT: usize = 1076;

    #[test]
    fn faces_and_plates_are_relative_to_their_prior() {
        assert_eq!(priors(INPUT).len(), COUNT);
        // Stride 16, second row, third column, side 48: around (40, 24).
        let index = 20 * 15 * 3 + (10 + 2) * 2 + 1;
        let (mut numbers, mut scores, mut overlaps) =
            (vec![0.0; COUNT * ROW], [1.0, 0.0].repeat(COUNT), vec![0.0; COUNT]);
        scores[index * 2..][..2].copy_from_slice(&[0.36, 0.64]);
        overlaps[index] = 1.2;
        let row = &mut numbers[index * ROW..][..ROW];
        row[..4].copy_from_slice(&[1.25, 0.0, -10.0 * 2f32.ln(), 5.0 * 2f32.ln()]);
        // Corners of a plate, and a point that is none.
        row[4..14].copy_from_slice(&[-2.5, -1.25, 2.5, -1.25, 9.0, 9.0, 2.5, 1.25, -2.5, 1.25]);
        let outputs = [
            ("loc", &[COUNT, ROW][..], numbers),
            ("conf", &[COUNT, 2], scores),
            ("iou", &[COUNT, 1], overlaps),
        ];
        let found = |name: &str| {
            let mut decoder = decoder(&BoxLayout::named(name).unwrap(), INPUT, &outputs);
            let (mut candidates, mut points) = (Vec::new(), Vec::new());
            decoder.decode(&batch(&outputs), 0, 0.25, &mut candidates);
            assert_eq!(candidates.len(), 1);
            decoder.keypoints(&batch(&outputs), 0, &candidates[0], &mut points);
            (candidates[0], points.iter().map(|point| (point.x, point.y)).collect::<Vec<_>>())
        };
        let (face, points) = found("yunet-2021");
        assert_box(&face, 0, 0.8, [46.0 - 12.0, 24.0 - 48.0, 46.0 + 12.0, 24.0 + 48.0]);
        assert_eq!((points.len(), points[0]), (5, (28.0, 18.0)));
        let (plate, corners) = found("lpd-yunet");
        assert_box(&plate, 0, 0.8, [28.0, 18.0, 52.0, 30.0]);
        assert_eq!(corners, [(28.0, 18.0), (52.0, 18.0), (52.0, 30.0), (28.0, 30.0)]);
    }

    #[test]
    fn both_lines_are_offered() {
        let outputs = [("loc", &[COUNT, 14][..]), ("conf", &[COUNT, 2]), ("iou", &[COUNT, 1])];
        let message = recognised(&outputs, INPUT, |outputs| outputs).unwrap_err().to_string();
        for line in ["`boxes = \"yunet-2021\"`", "`boxes = \"lpd-yunet\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
    }
}
