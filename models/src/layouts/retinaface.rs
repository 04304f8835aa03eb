//! `retinaface`: faces and licence plates relative to prior boxes: RetinaFace and detectors like it.

use framegate_backend_api::OutputBatch;

use super::anchors::{cells, position};
use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, Rows, grid};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition};
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

/// RetinaFace's, and those of detectors for close faces at small inputs.
const PRIORS: [Priors; 2] = [
    &[(8, &[16.0, 32.0]), (16, &[64.0, 128.0]), (32, &[256.0, 512.0])],
    &[(8, &[8.0, 11.0]), (16, &[14.0, 19.0, 26.0, 38.0, 64.0, 149.0])],
];
/// The units of positions and of logarithms of sizes.
const VARIANCES: [f32; 2] = [0.1, 0.2];

/// Rows of `[4]` relative to the prior boxes, of `[2]` for background and object, and of `[8]` or `[10]`
/// for four or five key points: centre = prior + offset · 0.1 · side, size = side · exp(0.2 · log size).
#[derive(Debug)]
pub(super) struct RetinaFace;

/// Positions of the outputs.
#[derive(Debug, Clone, Copy)]
struct Outputs {
    boxes: usize,
    scores: usize,
    keypoints: Option<(usize, usize)>,
    priors: Priors,
}

fn find(outputs: &ModelOutputs<'_>) -> Option<Outputs> {
    let of_width = |width: usize| {
        let has =
            |position: &usize| outputs.rows(*position).is_some_and(|rows| rows.width == width);
        (0..outputs.shapes.len()).find(has)
    };
    let (boxes, scores) = (of_width(4)?, of_width(2)?);
    let Rows { count, .. } = outputs.rows(boxes)?;
    let fits = |priors: &&Priors| {
        let each = priors.iter().map(|(stride, sides)| cells(outputs.input, *stride) * sides.len());
        each.sum::<usize>() == count
    };
    let priors = *PRIORS.iter().find(fits)?;
    let keypoints = of_width(10).map(|output| (output, 10)).or(of_width(8).map(|at| (at, 8)));
    let others = [Some(scores), keypoints.map(|(output, _)| output)];
    let agree = |position: usize| outputs.rows(position).is_some_and(|rows| rows.count == count);
    others.into_iter().flatten().all(agree).then_some(Outputs { boxes, scores, keypoints, priors })
}

impl Layout for RetinaFace {
    fn names(&self) -> &'static [&'static str] {
        &["retinaface"]
    }

    fn shape(&self) -> &'static str {
        "faces, with [priors, 4], [priors, 2] and [priors, 10] relative to prior boxes"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs).map(|_| Reading::of(ClassCount::Known(1)))
    }

    /// Boxes and scores without key points have many detectors; decoded boxes are not these.
    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some(found) = find(outputs) else { return Recognition::No };
        match found.keypoints.is_some() && outputs.is_raw(found.boxes) {
            true => Recognition::Yes(
                "the outputs are boxes, two scores and key points for each of RetinaFace's prior \
                 boxes, not decoded in the file"
                    .to_owned(),
            ),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&RETINAFACE, &RETINAFACE_STRETCHED]
    }

    fn default_family(&self, outputs: &ModelOutputs<'_>) -> &'static Family {
        match find(outputs) {
            Some(found) if found.priors.len() == 2 => &RETINAFACE_STRETCHED,
            _ => &RETINAFACE,
        }
    }

    fn labels(&self) -> &'static [&'static str] {
        &["face"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let found = find(outputs).expect("`read` found the outputs");
        Box::new(RetinaFaceDecoder { priors: priors(found.priors, outputs.input), outputs: found })
    }
}

/// Centre and side of every prior box, cell by cell.
fn priors(priors: Priors, input: Size) -> Vec<[f32; 3]> {
    let of_stride = |(stride, sides): &'static (usize, &'static [f32])| {
        let columns = grid(input, *stride).0;
        let stride = *stride;
        (0..cells(input, stride)).flat_map(move |cell| {
            let [x, y] = position(cell, columns).map(|at| (at + 0.5) * stride as f32);
            sides.iter().map(move |side| [x, y, *side])
        })
    };
    priors.iter().flat_map(of_stride).collect()
}

#[derive(Debug)]
struct RetinaFaceDecoder {
    outputs: Outputs,
    priors: Vec<[f32; 3]>,
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
        candidates.extend(rows.filter_map(|(row, (([x, y, side], raw), [_, score]))| {
            if !reaches(*score, confidence) {
                return None;
            }
            let [position, size] = VARIANCES;
            let centre = [x + raw[0] * position * side, y + raw[1] * position * side];
            let size = [side * (raw[2] * size).exp(), side * (raw[3] * size).exp()];
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
        let [x, y, side] = self.priors[candidate.index];
        let unit = VARIANCES[0] * side;
        let points = points.as_chunks::<2>().0.iter();
        keypoints.extend(points.map(|[dx, dy]| Keypoint::sure(x + dx * unit, y + dy * unit)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder};
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
}
