//! `yolox-heads`, `atss` and `paa`: raw heads with the difference from a square for each cell.

use super::family::Family;
use super::level_maps::{Channels, Level};
use super::mmdet::MMDET;
use super::origin::Origin;
use super::outputs::{ClassCount, ModelOutputs};
use super::points::{BoxRule, PointDecoder, PointForm, PointLevel, point_levels};
use super::prior_boxes::PYRAMID;
use super::yolox::YOLOX;
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// For each stride an output of scores `[1, C, H, W]`, one of differences `[1, 4, H, W]` and one of a factor `[1, 1, H,
/// W]`: centre = corner of the cell + offset · side, size = side · exp(log size). Channels may be the last axis.
#[derive(Debug)]
pub(super) struct DifferenceHeads {
    names: &'static [&'static str],
    shape: &'static str,
    /// `None` for 8, 16 and 32, or those of the sidecar.
    strides: Option<&'static [usize]>,
    /// Side of the square, in strides.
    side: f32,
    /// The units of offsets and logarithms.
    units: [f32; 2],
    takes_root: bool,
    /// Whether an output may hold all three, `[1, 4 + 1 + C, H, W]`.
    may_be_joined: bool,
    families: &'static [&'static Family],
    lines: &'static [SidecarLine],
}

/// YOLOX as MMDetection and exports for other runtimes have it; the factor is the objectness.
pub(super) static YOLOX_HEADS: DifferenceHeads = DifferenceHeads {
    names: &["yolox-heads"],
    shape: "[1, classes, height, width], [1, 4, height, width] and [1, 1, height, width] for each stride, undecoded",
    strides: None,
    side: 1.0,
    units: [1.0; 2],
    takes_root: false,
    may_be_joined: true,
    families: &[&YOLOX],
    lines: &[SidecarLine { line: "boxes = \"yolox-heads\"", when: "YOLOX" }],
};

/// ATSS, <https://arxiv.org/abs/1912.02424>, as MMDetection has it; the factor is the centre-ness.
pub(super) static ATSS: DifferenceHeads = DifferenceHeads {
    names: &["atss"],
    shape: "scores, four differences and a centre-ness of each cell of the strides 8 to 128, undecoded",
    strides: Some(&PYRAMID),
    side: 8.0,
    units: [0.1, 0.2],
    takes_root: false,
    may_be_joined: false,
    families: &[&MMDET],
    lines: &[SidecarLine {
        line: "boxes = \"atss\"",
        when: "ATSS and DDOD, whose scores are products",
    }],
};

/// PAA, <https://arxiv.org/abs/2007.08103>, as MMDetection has it; the factor is an overlap.
pub(super) static PAA: DifferenceHeads = DifferenceHeads {
    names: &["paa"],
    takes_root: true,
    lines: &[SidecarLine {
        line: "boxes = \"paa\"",
        when: "PAA, whose scores are roots of products",
    }],
    ..ATSS
};

impl DifferenceHeads {
    fn strides<'a>(&self, outputs: &ModelOutputs<'a>) -> &'a [usize] {
        self.strides.unwrap_or_else(|| outputs.strides_or_default())
    }

    fn find(&self, outputs: &ModelOutputs<'_>) -> Option<Vec<PointLevel>> {
        let heads_of = |level: &Level| self.heads_of(level);
        let found = point_levels(outputs, self.strides(outputs), heads_of)?;
        found.iter().all(|level| level.scores.count == found[0].scores.count).then_some(found)
    }

    fn heads_of(&self, level: &Level) -> Option<PointLevel> {
        let (scores, box_, factor) = match level.maps[..] {
            [whole] if self.may_be_joined && whole.count > 5 => {
                (whole.part(5..whole.count), whole.part(0..4), whole.part(4..5))
            }
            // As MMDetection has them, and as others do.
            [scores, box_ @ Channels { count: 4, .. }, factor @ Channels { count: 1, .. }]
            | [box_ @ Channels { count: 4, .. }, factor @ Channels { count: 1, .. }, scores]
            | [box_ @ Channels { count: 4, .. }, scores, factor @ Channels { count: 1, .. }]
            | [scores, factor @ Channels { count: 1, .. }, box_ @ Channels { count: 4, .. }] => {
                (scores, box_, factor)
            }
            _ => return None,
        };
        Some(PointLevel::new(level, scores, box_, Some(factor)))
    }
}

impl Layout for DifferenceHeads {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        self.shape
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        format!("{} with strides {:?}", self.shape, self.strides(outputs))
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let classes = self.find(outputs)?[0].scores.count;
        let strides = self.strides(outputs).to_vec();
        Some(Reading { strides, ..Reading::of(ClassCount::Known(classes)) })
    }

    /// Differences come straight from weights; distances would be positive.
    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let Some(levels) = self.find(outputs) else { return Recognition::No };
        let PointLevel { scores, box_, .. } = &levels[0];
        if scores.output == box_.output {
            let parts = [4, 1, scores.count];
            return match outputs.joined(box_.output).is_some_and(|joined| joined == parts) {
                true => Recognition::Yes(format!(
                    "the outputs join a box, an objectness and scores for each cell of the strides {:?}",
                    reading.strides
                )),
                false => Recognition::No,
            };
        }
        match outputs.origin(box_.output) {
            // Others scale what comes out of the weights.
            Origin::Weights(factors) if self.strides.is_none() && factors.is_empty() => {
                Recognition::Yes(format!(
                    "the outputs are scores, boxes and an objectness, not decoded in the file, for each cell of the \
                     strides {:?}",
                    reading.strides
                ))
            }
            Origin::Weights(_) | Origin::Unknown if self.strides.is_none() => {
                Recognition::Maybe(self.lines)
            }
            Origin::Weights(_) => Recognition::Maybe(self.lines),
            _ => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        self.families
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let levels = self.find(outputs).expect("`read` found the outputs");
        let PointLevel { scores, box_, factor, .. } = &levels[0];
        let are_scores = match scores.output == box_.output {
            true => {
                let channels = outputs.channels_through_sigmoid(scores.output);
                [channels.last() == Some(&true), channels.get(4) == Some(&true)]
            }
            false => {
                let factor = factor.map_or(scores.output, |factor| factor.output);
                [outputs.holds_scores(scores.output), outputs.holds_scores(factor)]
            }
        };
        let form = PointForm {
            offset: 0.0,
            rule: BoxRule::Differences { side: self.side, units: self.units },
            are_scores,
            takes_root: self.takes_root,
        };
        Box::new(PointDecoder::new(levels, form))
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Activation, GraphBuilder, Operator};

    use super::super::BoxLayout;
    use super::super::choose;
    use super::super::scores::logit;
    use super::super::testing::{assert_box, batch, decode, decoder, recognised};
    use super::*;
    use crate::Size;

    type Outputs = Vec<(&'static str, Vec<usize>, Vec<f32>)>;

    /// Class 1 of 2 at the seventh cell of a grid of 4 × 4: offsets of 0.5 and 0.25, twice as wide and as high as the
    /// square.
    fn outputs(strides: usize, grid: usize, units: [f32; 2]) -> Outputs {
        const NAMES: [[&str; 3]; 5] = [
            ["s1", "b1", "f1"],
            ["s2", "b2", "f2"],
            ["s3", "b3", "f3"],
            ["s4", "b4", "f4"],
            ["s5", "b5", "f5"],
        ];
        let mut outputs = Vec::new();
        for (level, names) in NAMES.into_iter().enumerate().take(strides) {
            let side = grid >> level;
            let cells = side * side;
            let (mut scores, mut factors) = (vec![-9.0; 2 * cells], vec![-9.0; cells]);
            let mut boxes = vec![0.0; 4 * cells];
            if side == 4 {
                scores[cells + 6] = logit(0.9);
                factors[6] = logit(0.4);
                let log = 2.0_f32.ln() / units[1];
                for (number, raw) in
                    [0.5 / units[0], 0.25 / units[0], log, log].into_iter().enumerate()
                {
                    boxes[number * cells + 6] = raw;
                }
            }
            outputs.push((names[0], vec![1, 2, side, side], scores));
            outputs.push((names[1], vec![1, 4, side, side], boxes));
            outputs.push((names[2], vec![1, 1, side, side], factors));
        }
        outputs
    }

    fn borrowed(outputs: &Outputs) -> Vec<(&str, &[usize], Vec<f32>)> {
        outputs.iter().map(|(name, shape, data)| (*name, &shape[..], data.clone())).collect()
    }

    #[test]
    fn boxes_are_relative_to_the_corner_of_their_cell() {
        let input = Size { width: 64, height: 64 };
        let outputs = outputs(3, 8, [1.0; 2]);
        let found = decode("yolox-heads", input, &borrowed(&outputs));
        assert_eq!(found.len(), 1);
        // Centre (32 + 8, 16 + 4), a square of two strides of 16.
        assert_box(&found[0], 1, 0.36, [24.0, 4.0, 56.0, 36.0]);
        let shapes: Vec<_> = outputs.iter().map(|(name, shape, _)| (*name, &shape[..])).collect();
        let message = recognised(&shapes, input, |outputs| outputs).unwrap_err().to_string();
        assert!(message.contains("`boxes = \"yolox-heads\"`"), "{message}");
    }

    #[test]
    fn squares_of_eight_strides_are_anchors() {
        let input = Size { width: 128, height: 128 };
        let outputs = outputs(5, 16, [0.1, 0.2]);
        // Corner (64, 32) and a square of 256.
        let corners = [64.0 + 128.0 - 256.0, 32.0 + 64.0 - 256.0, 64.0 + 128.0 + 256.0, 352.0];
        for (layout, score) in [("atss", 0.36), ("paa", 0.6)] {
            let found = decode(layout, input, &borrowed(&outputs));
            assert_eq!(found.len(), 1, "{layout}");
            assert_box(&found[0], 1, score, corners);
        }
        let mut decoded = outputs;
        decoded.iter_mut().skip(1).step_by(3).for_each(|(.., boxes)| boxes.fill(60.0));
        let decoded = borrowed(&decoded);
        let mut decoder = decoder(&BoxLayout::named("atss").unwrap(), input, &decoded);
        assert!(decoder.check(&batch(&decoded), 0).unwrap_err().0.contains("decoded already"));
    }

    #[test]
    fn an_output_may_join_all_three() {
        let input = Size { width: 64, height: 64 };
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
        let mut outputs = Vec::new();
        for side in [8_usize, 4, 2] {
            let mut part = |channels: usize, is_score: bool| {
                let zeros = vec![0.0; channels * side * side];
                let zeros = HostTensor::from_f32([1, channels, side, side], zeros);
                let part = builder.constant("part", zeros);
                let sigmoid = Operator::Activation(Activation::Sigmoid);
                match is_score {
                    true => builder.push("score", sigmoid, &[part]).unwrap(),
                    false => part,
                }
            };
            let parts = [part(4, false), part(1, true), part(7, true)];
            outputs.push(builder.push("all", Operator::Concat { axis: 1 }, &parts).unwrap());
        }
        let graph = builder.finish(outputs);
        let choice = choose(&ModelOutputs::of(&graph, input), None).unwrap();
        assert_eq!((choice.layout.name(), choice.classes), ("yolox-heads", ClassCount::Known(7)));
        let mut decoder = choice.layout.decoder(&graph, input).unwrap();
        let tensors = [8, 4, 2].map(|side| {
            let mut data = vec![0.0; 12 * side * side];
            if side == 4 {
                data[4 * 16 + 6] = 0.5;
                data[(5 + 3) * 16 + 6] = 0.8;
            }
            ("all", vec![1, 12, side, side], data)
        });
        let tensors: Vec<_> =
            tensors.iter().map(|(name, shape, data)| (*name, &shape[..], data.clone())).collect();
        let mut found = Vec::new();
        decoder.decode(&batch(&tensors), 0, 0.25, &mut found);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 3, 0.4, [24.0, 8.0, 40.0, 24.0]);
    }
}
