//! `retinaface` and `retinaface-plates`: faces and licence plates relative to prior boxes.

use framegate_backend_api::OutputBatch;

use super::anchors::{cells, own_or_listed};
use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, Rows, grid};
use super::prior_boxes::{Prior, on_grid};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition, SidecarLine};
use crate::Size;
use crate::image_input::LetterboxAlign;

/// `detect.py` of RetinaFace in PyTorch: BGR without the mean of VGG.
const RETINAFACE: Family = Family {
    name: "retinaface",
    preprocessing: Preprocessing { scale: [1.0; 3], ..Preprocessing::STRETCHED }
        .bgr()
        .letterboxed(LetterboxAlign::TopLeft, 0)
        .with_mean([104.0, 117.0, 123.0]),
};

/// Detectors for close faces, whose inputs are small: the same, stretched.
const RETINAFACE_STRETCHED: Family = Family {
    name: "retinaface-stretched",
    preprocessing: Preprocessing { scale: [1.0; 3], ..Preprocessing::STRETCHED }
        .bgr()
        .with_mean([104.0, 117.0, 123.0]),
};

/// Sides in pixels of the prior boxes of each stride.
type Priors = &'static [(usize, &'static [f32])];

/// The units of positions and of logarithms of sizes.
const VARIANCES: [f32; 2] = [0.1, 0.2];

/// Rows of `[4]` relative to the prior boxes, of `[2]` for background and object, and of `[8]` or `[10]`
/// for four or five key points: centre = prior + offset · 0.1 · side, size = side · exp(0.2 · log size).
#[derive(Debug)]
pub(super) struct RetinaFace {
    names: &'static [&'static str],
    labels: &'static [&'static str],
    /// The second is for detectors of close faces, at small inputs.
    priors: &'static [Priors],
    /// For four key points, which other detectors have, too.
    lines: &'static [SidecarLine],
}

/// RetinaFace, with the prior boxes of its authors.
pub(super) static FACES: RetinaFace = RetinaFace {
    names: &["retinaface"],
    labels: &["face"],
    priors: &[
        &[(8, &[16.0, 32.0]), (16, &[64.0, 128.0]), (32, &[256.0, 512.0])],
        &[(8, &[8.0, 11.0]), (16, &[14.0, 19.0, 26.0, 38.0, 64.0, 149.0])],
    ],
    lines: &[SidecarLine {
        line: "boxes = \"retinaface\"",
        when: "the prior boxes of RetinaFace, with sides of 16 to 512 pixels",
    }],
};

/// Licence plates with their corners: RetinaFace with prior boxes one and a half times as large.
pub(super) static PLATES: RetinaFace = RetinaFace {
    names: &["retinaface-plates"],
    labels: &["plate"],
    priors: &[&[(8, &[24.0, 48.0]), (16, &[96.0, 192.0]), (32, &[384.0, 768.0])]],
    lines: &[SidecarLine {
        line: "boxes = \"retinaface-plates\"",
        when: "licence plates relative to prior boxes with sides of 24 to 768 pixels, as \
               License-Plate-Detector has them",
    }],
};

/// Numbers of four key points, the corners of something.
const FOUR_POINTS: usize = 8;

/// Positions of the outputs.
#[derive(Debug, Clone, Copy)]
struct Outputs {
    boxes: usize,
    scores: usize,
    keypoints: Option<(usize, usize)>,
    priors: Priors,
}

fn find(outputs: &ModelOutputs<'_>, known: &[Priors]) -> Option<Outputs> {
    let of_width = |width: usize| {
        let has =
            |position: &usize| outputs.rows(*position).is_some_and(|rows| rows.width == width);
        (0..outputs.shapes.len()).find(has)
    };
    let (boxes, scores) = (of_width(4)?, of_width(2)?);
    let Rows { count, .. } = outputs.rows(boxes)?;
    let fits = |priors: &&Priors| {
        let each = priors.iter().map(|(stride, sides)| cells(outputs.input, *stride) * sides.len());
        let listed = outputs.anchors.is_none_or(|it| it.len() == priors_of_a_cell(priors));
        each.sum::<usize>() == count && listed
    };
    let priors = *known.iter().find(fits)?;
    let keypoints = of_width(10).map(|output| (output, 10));
    let keypoints = keypoints.or(of_width(FOUR_POINTS).map(|at| (at, FOUR_POINTS)));
    let others = [Some(scores), keypoints.map(|(output, _)| output)];
    let agree = |position: usize| outputs.rows(position).is_some_and(|rows| rows.count == count);
    others.into_iter().flatten().all(agree).then_some(Outputs { boxes, scores, keypoints, priors })
}

/// Prior boxes of all strides together.
fn priors_of_a_cell(priors: Priors) -> usize {
    priors.iter().map(|(_, sides)| sides.len()).sum()
}

impl Layout for RetinaFace {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[priors, 4], [priors, 2] and key points, [priors, 8 or 10], relative to prior boxes"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs, self.priors).map(|_| Reading::of(ClassCount::Known(1)))
    }

    /// Boxes and scores without key points have many detectors; decoded boxes are not these. The outputs do not show
    /// how large the prior boxes are: five key points are taken for RetinaFace's, four are not.
    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some(found) = find(outputs, self.priors) else { return Recognition::No };
        let Some((_, numbers)) = found.keypoints.filter(|_| outputs.is_raw(found.boxes)) else {
            return Recognition::No;
        };
        let are_plates = self.labels == PLATES.labels;
        match (numbers == FOUR_POINTS, outputs.anchors.is_some()) {
            (true, false) => Recognition::Maybe(self.lines),
            (four, _) if four != are_plates => Recognition::No,
            _ => {
                let sides = match outputs.anchors {
                    Some(_) => "those in the sidecar".to_owned(),
                    None => format!("{} to {} pixels", found.smallest(), found.largest()),
                };
                Recognition::Yes(format!(
                    "the outputs are boxes, two scores and key points for each of RetinaFace's prior \
                     boxes, not decoded in the file; the sides of prior boxes, which `anchors` can \
                     list, are taken to be {sides}"
                ))
            }
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&RETINAFACE, &RETINAFACE_STRETCHED]
    }

    fn default_family(&self, outputs: &ModelOutputs<'_>) -> &'static Family {
        match find(outputs, self.priors) {
            Some(found) if found.priors.len() == 2 => &RETINAFACE_STRETCHED,
            _ => &RETINAFACE,
        }
    }

    fn labels(&self) -> &'static [&'static str] {
        self.labels
    }

    fn anchor_counts(&self) -> Vec<usize> {
        self.priors.iter().map(|priors| priors_of_a_cell(priors)).collect()
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let found = find(outputs, self.priors).expect("`read` found the outputs");
        let priors = priors(found.priors, outputs.anchors, outputs.input);
        Box::new(RetinaFaceDecoder { priors, outputs: found })
    }
}

impl Outputs {
    /// The side of its smallest prior box.
    fn smallest(&self) -> f32 {
        self.priors.first().map_or(0.0, |(_, sides)| sides[0])
    }

    /// The side of its largest prior box.
    fn largest(&self) -> f32 {
        self.priors.last().map_or(0.0, |(_, sides)| sides[sides.len() - 1])
    }
}

/// Every prior box, cell by cell.
fn priors(priors: Priors, listed: Option<&[[f32; 2]]>, input: Size) -> Vec<Prior> {
    let own = priors.iter().map(|(_, sides)| sides.iter().map(|side| [*side; 2]).collect());
    let of_stride = |((stride, _), sizes): (&(usize, _), Vec<[f32; 2]>)| {
        on_grid(grid(input, *stride), [*stride as f32; 2], &sizes).collect::<Vec<_>>()
    };
    priors.iter().zip(own_or_listed(own, listed)).flat_map(of_stride).collect()
}

#[derive(Debug)]
struct RetinaFaceDecoder {
    outputs: Outputs,
    priors: Vec<Prior>,
}

impl Decoder for RetinaFaceDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let (boxes, _) = outputs.tensors[self.outputs.boxes].image(image).as_chunks::<4>();
        let (scores, _) = outputs.tensors[self.outputs.scores].image(image).as_chunks::<2>();
        let rows = self.priors.iter().zip(boxes).zip(scores).enumerate();
        candidates.extend(rows.filter_map(|(row, (([x, y, w, h], raw), [_, score]))| {
            if !reaches(*score, confidence) {
                return None;
            }
            let [position, size] = VARIANCES;
            let centre = [x + raw[0] * position * w, y + raw[1] * position * h];
            let size = [w * (raw[2] * size).exp(), h * (raw[3] * size).exp()];
            let candidate =
                Candidate::from_centre([centre[0], centre[1], size[0], size[1]], *score, 0)?;
            Some(candidate.at(row))
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        check_scores(outputs.tensors[self.outputs.scores].image(image))
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let Some((output, width)) = self.outputs.keypoints else { return };
        let points = &outputs.tensors[output].image(image)[candidate.index * width..][..width];
        let [x, y, width, height] = self.priors[candidate.index];
        let units = [width, height].map(|side| VARIANCES[0] * side);
        let points = points.as_chunks::<2>().0.iter();
        keypoints
            .extend(points.map(|[dx, dy]| Keypoint::sure(x + dx * units[0], y + dy * units[1])));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::super::{BoxLayout, ModelOutputs};
    use super::*;

    #[test]
    fn boxes_are_relative_to_their_prior() {
        let input = Size { width: 64, height: 64 };
        let count = 2 * (64 + 16 + 4);
        let mut boxes = vec![0.0; count * 4];
        let mut scores = [1.0, 0.0].repeat(count);
        let mut points = vec![0.0; count * 10];
        // Stride 16, second row, third column, side 128.
        let row = 128 + (4 + 2) * 2 + 1;
        scores[row * 2..][..2].copy_from_slice(&[0.25, 0.75]);
        boxes[row * 4..][..4].copy_from_slice(&[0.5, -0.5, -5.0 * 4f32.ln(), -5.0 * 2f32.ln()]);
        points[row * 10..][..2].copy_from_slice(&[1.0, 0.0]);
        let outputs = [
            ("loc", &[count, 4][..], boxes),
            ("conf", &[count, 2], scores),
            ("landms", &[count, 10], points),
        ];
        let layout = BoxLayout::named("retinaface").unwrap();
        let mut decoder = decoder(&layout, input, &outputs);
        let batch = batch(&outputs);
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        // Centre (40 + 6.4, 24 − 6.4), 32 × 64.
        assert_box(&candidates[0], 0, 0.75, [30.4, -14.4, 62.4, 49.6]);
        let mut points = Vec::new();
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        assert_eq!((points[0].x, points[0].y), (40.0 + 12.8, 24.0));
    }

    #[test]
    fn prior_boxes_of_plates_are_larger_and_those_of_a_sidecar_may_be_any() {
        let input = Size { width: 64, height: 64 };
        let count = 2 * (64 + 16 + 4);
        let mut scores = [1.0, 0.0].repeat(count);
        let row = 128 + (4 + 2) * 2 + 1;
        scores[row * 2..][..2].copy_from_slice(&[0.25, 0.75]);
        let outputs = [
            ("loc", &[count, 4][..], vec![0.0; count * 4]),
            ("conf", &[count, 2], scores),
            ("landms", &[count, 8], vec![0.0; count * 8]),
        ];
        let boxes = |layout: &BoxLayout| {
            let mut candidates = Vec::new();
            decoder(layout, input, &outputs).decode(&batch(&outputs), 0, 0.25, &mut candidates);
            candidates
        };
        // Around (40, 24), the second prior box of stride 16: a side of 192.
        let plates = BoxLayout::named("retinaface-plates").unwrap();
        assert_box(&boxes(&plates)[0], 0, 0.75, [40.0 - 96.0, 24.0 - 96.0, 136.0, 120.0]);
        let mut listed = [[1.0; 2]; 6];
        listed[3] = [20.0, 10.0];
        let other = plates.with_anchors(Some(&listed));
        assert_box(&boxes(&other)[0], 0, 0.75, [30.0, 19.0, 50.0, 29.0]);
    }

    #[test]
    fn four_key_points_are_refused_with_the_lines_for_both_kinds_of_prior_boxes() {
        let input = Size { width: 64, height: 64 };
        let shapes = |numbers| {
            [("loc", vec![168, 4]), ("conf", vec![168, 2]), ("landms", vec![168, numbers])]
        };
        let read = |numbers, anchors| {
            let shapes = shapes(numbers);
            let shapes: Vec<_> = shapes.iter().map(|(name, shape)| (*name, &shape[..])).collect();
            recognised(&shapes, input, |outputs| ModelOutputs { anchors, ..outputs })
        };
        assert_eq!(read(10, None), Ok("retinaface"));
        let message = read(8, None).unwrap_err().to_string();
        for line in ["`boxes = \"retinaface\"`", "`boxes = \"retinaface-plates\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
        let listed = Some(&[[16.0; 2]; 6][..]);
        assert_eq!(
            [read(10, listed), read(8, listed)],
            [Ok("retinaface"), Ok("retinaface-plates")]
        );
    }
}
