//! `yolov8-heads` and `gfl`: raw heads with a distribution for each side of a box.

use super::family::{Family, ULTRALYTICS};
use super::level_maps::{Channels, Level};
use super::mmdet::MMDET;
use super::origin::Origin;
use super::outputs::{ClassCount, ModelOutputs};
use super::points::{
    BoxRule, MOST_STRIDES, PointDecoder, PointForm, PointLevel, Unit, point_levels,
};
use super::prior_boxes::PYRAMID;
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};
use crate::coco;

/// Bins of a distance's distribution.
const BINS: [usize; 2] = [16, 17];

const JOINED: &[SidecarLine] = &[SidecarLine {
    line: "boxes = \"yolov8-heads\"",
    when: "64 numbers of a box before the classes of a cell (YOLOv8 and its successors)",
}];

/// For each stride an output of distributions `[1, 4 · 16, H, W]` or `[1, 4 · 17, H, W]` and one of scores `[1, C, H,
/// W]`, in either order, and possibly one of their sum `[1, 1, H, W]`, which is not needed; or the first two joined,
/// distributions first. Distances are in strides from a point of the cell. Channels may be the last axis.
#[derive(Debug)]
pub(super) struct DflHeads {
    names: &'static [&'static str],
    /// `None` for 8, 16 and 32, or those of the sidecar.
    strides: Option<&'static [usize]>,
    /// Where in a cell the point is, in strides.
    offset: f32,
    families: &'static [&'static Family],
}

/// YOLOv8 and its successors, as exports for RKNN have them, YOLOv6 and PP-YOLOE.
pub(super) static YOLOV8: DflHeads = DflHeads {
    names: &["yolov8-heads", "rknn"],
    strides: None,
    offset: 0.5,
    families: &[&ULTRALYTICS],
};

/// Generalised Focal Loss, <https://arxiv.org/abs/2006.04388>, as MMDetection has it.
pub(super) static GFL: DflHeads =
    DflHeads { names: &["gfl"], strides: Some(&PYRAMID), offset: 0.0, families: &[&MMDET] };

impl DflHeads {
    fn strides<'a>(&self, outputs: &ModelOutputs<'a>) -> &'a [usize] {
        self.strides.unwrap_or_else(|| outputs.strides_or_default())
    }

    fn find(&self, outputs: &ModelOutputs<'_>) -> Option<Vec<PointLevel>> {
        let found = point_levels(outputs, self.strides(outputs), heads_of)?;
        let alike = |level: &PointLevel| {
            [level.scores.count, level.box_.count] == [found[0].scores.count, found[0].box_.count]
        };
        found.iter().all(alike).then_some(found)
    }
}

fn heads_of(level: &Level) -> Option<PointLevel> {
    let is_distribution = |map: &Channels| BINS.iter().any(|bins| map.count == 4 * bins);
    let (scores, box_) = match level.maps[..] {
        // Where there are as many classes, distributions come first.
        [a, b] | [a, b, Channels { count: 1, .. }] if is_distribution(&a) => (b, a),
        [a, b] | [a, b, Channels { count: 1, .. }] if is_distribution(&b) => (a, b),
        [both] => {
            let numbers = 4 * BINS[0];
            (both.count > numbers)
                .then(|| (both.part(numbers..both.count), both.part(0..numbers)))?
        }
        _ => return None,
    };
    Some(PointLevel::new(level, scores, box_, None))
}

impl Layout for DflHeads {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[1, 64 or 68, height, width] and [1, classes, height, width] for each stride, undecoded"
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        format!("{} of {:?}", self.shape(), self.strides(outputs))
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let classes = self.find(outputs)?[0].scores.count;
        let strides = self.strides(outputs).to_vec();
        Some(Reading { strides, ..Reading::of(ClassCount::Known(classes)) })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let ClassCount::Known(classes) = reading.classes else { return Recognition::No };
        let are_joined = outputs.shapes.len() == reading.strides.len();
        if are_joined && outputs.joined(0) != Some(vec![4 * BINS[0], classes]) {
            // One convolution makes both, or nothing shows what does.
            let is_likely = outputs.labels == Some(classes)
                || (outputs.labels.is_none() && classes == coco::CLASSES);
            return match is_likely && self.strides.is_none() {
                true => Recognition::Maybe(JOINED),
                false => Recognition::No,
            };
        }
        Recognition::Yes(format!(
            "the outputs are distributions and scores for each cell of the strides {:?}",
            reading.strides
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        self.families
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let levels = self.find(outputs).expect("`read` found the outputs");
        let scores = levels[0].scores.output;
        // Of joined outputs the part with scores may have gone through a sigmoid.
        let are_logits = match outputs.joined(scores) {
            Some(_) => !outputs.channels_through_sigmoid(scores).contains(&true),
            None => matches!(outputs.origin(scores), Origin::Weights(_)),
        };
        let form = PointForm {
            offset: self.offset,
            rule: BoxRule::Distances {
                unit: Some(Unit::Strides),
                most_negative: 0.0,
                most_strides: MOST_STRIDES,
            },
            are_scores: [!are_logits; 2],
            takes_root: false,
        };
        Box::new(PointDecoder::new(levels, form))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::ModelOutputs;
    use crate::Size;

    const INPUT: Size = Size { width: 64, height: 64 };
    /// Distances of 1, 0, 3 and 2 strides.
    const SIDES: [usize; 4] = [1, 0, 3, 2];

    /// `bins` logits for each side of one cell of a grid of 16.
    fn distribution(bins: usize, cell: usize) -> Vec<f32> {
        let mut boxes = vec![-50.0; 4 * bins * 16];
        for (side, bin) in SIDES.into_iter().enumerate() {
            boxes[(side * bins + bin) * 16 + cell] = 50.0;
        }
        boxes
    }

    #[test]
    fn distributions_are_channels() {
        let mut scores = vec![0.0; 2 * 16];
        scores[16 + 6] = 0.75;
        let outputs = [
            ("a", &[1, 64, 8, 8][..], vec![0.0; 64 * 64]),
            ("b", &[1, 2, 8, 8], vec![0.0; 128]),
            ("c", &[1, 1, 8, 8], vec![0.0; 64]),
            ("d", &[1, 64, 4, 4], distribution(16, 6)),
            ("e", &[1, 2, 4, 4], scores),
            ("f", &[1, 1, 4, 4], vec![0.0; 16]),
            ("g", &[1, 64, 2, 2], vec![0.0; 256]),
            ("h", &[1, 2, 2, 2], vec![0.0; 8]),
            ("i", &[1, 1, 2, 2], vec![0.0; 4]),
        ];
        let found = decode("rknn", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        // Middle (40, 24); distances 1, 0, 3, 2 strides of 16.
        assert_box(&found[0], 1, 0.75, [24.0, 24.0, 88.0, 56.0]);
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("yolov8-heads"));
    }

    #[test]
    fn scores_may_come_first_and_channels_last() {
        let mut scores = vec![0.0; 2 * 16];
        scores[6 * 2 + 1] = 0.75;
        let rows: Vec<f32> = (0..16)
            .flat_map(|cell| (0..64).map(move |number| (cell, number)))
            .map(|(cell, number)| distribution(16, 6)[number * 16 + cell])
            .collect();
        let outputs = [
            ("a", &[1, 8, 8, 2][..], vec![0.0; 128]),
            ("b", &[1, 4, 4, 2], scores),
            ("c", &[1, 2, 2, 2], vec![0.0; 8]),
            ("d", &[1, 8, 8, 64], vec![0.0; 64 * 64]),
            ("e", &[1, 4, 4, 64], rows),
            ("f", &[1, 2, 2, 64], vec![0.0; 256]),
        ];
        let found = decode("yolov8-heads", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 1, 0.75, [24.0, 24.0, 88.0, 56.0]);
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("yolov8-heads"));
    }

    #[test]
    fn joined_heads_are_offered_if_the_rest_is_as_many_classes_as_there_are_labels() {
        let of = |channels: usize, labels| {
            let shapes = [[1, channels, 8, 8], [1, channels, 4, 4], [1, channels, 2, 2]];
            let outputs = [("a", &shapes[0][..]), ("b", &shapes[1]), ("c", &shapes[2])];
            let error = recognised(&outputs, INPUT, |it| ModelOutputs { labels, ..it });
            error.unwrap_err().to_string().contains("`boxes = \"yolov8-heads\"` for 64 numbers")
        };
        assert!(of(144, None) && of(67, Some(3)));
        assert!(!of(80, None) && !of(67, Some(4)));
    }

    #[test]
    fn gfl_has_five_strides_and_the_corners_of_cells() {
        let input = Size { width: 128, height: 128 };
        let sides = [16, 8, 4, 2, 1];
        let mut outputs = Vec::new();
        for (level, side) in sides.into_iter().enumerate() {
            let (mut scores, mut boxes) = (vec![0.0; 3 * side * side], vec![0.0; 68 * side * side]);
            if side == 4 {
                scores[2 * 16 + 6] = 0.75;
                boxes = distribution(17, 6);
            }
            let names = [["s1", "b1"], ["s2", "b2"], ["s3", "b3"], ["s4", "b4"], ["s5", "b5"]];
            outputs.push((names[level][0], vec![1, 3, side, side], scores));
            outputs.push((names[level][1], vec![1, 68, side, side], boxes));
        }
        let outputs: Vec<_> =
            outputs.iter().map(|(name, shape, data)| (*name, &shape[..], data.clone())).collect();
        let found = decode("gfl", input, &outputs);
        assert_eq!(found.len(), 1);
        // Corner (64, 32); distances 1, 0, 3, 2 strides of 32.
        assert_box(&found[0], 2, 0.75, [32.0, 32.0, 160.0, 96.0]);
        let shapes: Vec<_> = outputs.iter().map(|(name, shape, _)| (*name, *shape)).collect();
        assert_eq!(recognised(&shapes, input, |outputs| outputs), Ok("gfl"));
    }
}
