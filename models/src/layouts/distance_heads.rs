//! `rtmdet-heads` and `yolov6-heads`: raw heads with four distances for each cell.

use super::family::{Family, ULTRALYTICS};
use super::level_maps::{Level, by_stride};
use super::mmdet::MMDET;
use super::model_family::RTMDET;
use super::origin::Origin;
use super::outputs::{ClassCount, ModelOutputs};
use super::points::{BoxRule, MOST_STRIDES, PointDecoder, PointForm, PointLevel};
use super::prior_boxes::PYRAMID;
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// Distances may be negative in places where a trained model sees nothing.
const MOST_NEGATIVE: f32 = 0.25;
/// The largest mean of a distribution: PP-YOLOE has bins of 0 to 16 strides, YOLOv8 of 0 to 15.
const LARGEST_MEAN: f32 = 16.0;

/// For each stride an output of scores `[1, C, H, W]` and one of distances `[1, 4, H, W]` from a point of the cell, in
/// strides or pixels. Channels may be the last axis.
#[derive(Debug)]
pub(super) struct DistanceHeads {
    names: &'static [&'static str],
    shape: &'static str,
    /// Where in a cell the point is, in strides.
    offset: f32,
    families: &'static [&'static Family],
    lines: &'static [SidecarLine],
}

/// Distances from the corners of cells: RTMDet and, with the strides 8 to 128, VarifocalNet, as MMDetection has them.
pub(super) static RTMDET_HEADS: DistanceHeads = DistanceHeads {
    names: &["rtmdet-heads", "vfnet"],
    shape: "[1, classes, height, width] and [1, 4, height, width] for each stride, distances from the corners of cells",
    offset: 0.0,
    families: &[&RTMDET, &MMDET],
    lines: &[SidecarLine {
        line: "boxes = \"rtmdet-heads\"",
        when: "distances from the corners of cells, as RTMDet has them",
    }],
};

/// Distances from the middles of cells: YOLOv6, and YOLOv8 and PP-YOLOE as MMYOLO has them.
pub(super) static YOLOV6_HEADS: DistanceHeads = DistanceHeads {
    names: &["yolov6-heads"],
    shape: "[1, classes, height, width] and [1, 4, height, width] for each stride, distances from the middles of cells",
    offset: 0.5,
    families: &[&ULTRALYTICS],
    lines: &[SidecarLine {
        line: "boxes = \"yolov6-heads\"",
        when: "distances from the middles of cells, as YOLOv6 has them",
    }],
};

impl DistanceHeads {
    /// The strides 8 to 32, those of the sidecar, or 8 to 128.
    fn strides<'a>(outputs: &ModelOutputs<'a>) -> &'a [usize] {
        match outputs.shapes.len() == 2 * PYRAMID.len() {
            true => outputs.strides.unwrap_or(&PYRAMID),
            false => outputs.strides_or_default(),
        }
    }

    fn find(outputs: &ModelOutputs<'_>) -> Option<Vec<PointLevel>> {
        let levels = by_stride(outputs, Self::strides(outputs), 2)?;
        let level = |level: &Level| {
            let [a, b] = level.maps[..] else { return None };
            // Where there are four classes, scores come first.
            let (scores, distances) = if b.count == 4 { (a, b) } else { (b, a) };
            (distances.count == 4).then(|| PointLevel::new(level, scores, distances, None))
        };
        let found = levels.iter().map(level).collect::<Option<Vec<_>>>()?;
        found.iter().all(|level| level.scores.count == found[0].scores.count).then_some(found)
    }
}

impl Layout for DistanceHeads {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        self.shape
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        format!("{} of {:?}", self.shape, Self::strides(outputs))
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let classes = Self::find(outputs)?[0].scores.count;
        let strides = Self::strides(outputs).to_vec();
        Some(Reading { strides, ..Reading::of(ClassCount::Known(classes)) })
    }

    /// RTMDet takes an exponential or multiplies by the stride, YOLOv8 takes the mean of distributions. Where the graph
    /// shows neither, it can be both.
    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let Some(levels) = Self::find(outputs).filter(|levels| levels.len() < PYRAMID.len()) else {
            // Several kinds of detectors have such outputs for five strides.
            return Recognition::No;
        };
        let from_corners = match outputs.origin(levels[0].box_.output) {
            Origin::NeverNegative => true,
            Origin::Distribution => false,
            Origin::Weights(factors) if factors.contains(&levels[0].stride) => true,
            Origin::Weights(_) => return Recognition::Maybe(self.lines),
            Origin::Unknown => return Recognition::No,
        };
        if from_corners != (self.offset == 0.0) {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the outputs are scores and distances, from the {} of cells as far as the graph shows, for the strides {:?}",
            if from_corners { "corners" } else { "middles" },
            reading.strides
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        self.families
    }

    fn default_family(&self, outputs: &ModelOutputs<'_>) -> &'static Family {
        let is_pyramid = Self::strides(outputs) == PYRAMID;
        self.families[usize::from(is_pyramid).min(self.families.len() - 1)]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let levels = Self::find(outputs).expect("`read` found the outputs");
        let most_strides = match outputs.origin(levels[0].box_.output) {
            Origin::Distribution => LARGEST_MEAN,
            _ => MOST_STRIDES,
        };
        let form = PointForm {
            offset: self.offset,
            rule: BoxRule::Distances { unit: None, most_negative: MOST_NEGATIVE, most_strides },
            are_scores: [outputs.holds_scores(levels[0].scores.output); 2],
            takes_root: false,
        };
        Box::new(PointDecoder::new(levels, form))
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Binary, GraphBuilder, Operator, Unary};

    use super::super::scores::logit;
    use super::super::testing::{assert_box, batch, decode};
    use super::super::{BoxLayout, choose};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 64, height: 64 };

    /// One object of class 1 of 2 at the seventh cell of stride 16, with distances of 1, 0.5, 0.25 and 2 strides.
    fn outputs(in_strides: bool) -> Vec<(&'static str, Vec<usize>, Vec<f32>)> {
        let mut outputs = Vec::new();
        let names = [["s8", "d8"], ["s16", "d16"], ["s32", "d32"]];
        for (level, [scores_name, distances_name]) in names.into_iter().enumerate() {
            let side = 8 >> level;
            let stride = if in_strides { 1.0 } else { 8.0 * (1 << level) as f32 };
            let cells: usize = side * side;
            let (mut scores, mut distances) = (vec![-9.0; 2 * cells], vec![stride; 4 * cells]);
            if level == 1 {
                scores[cells + 6] = logit(0.75);
                for (number, strides) in [1.0, 0.5, 0.25, 2.0].into_iter().enumerate() {
                    distances[number * cells + 6] = strides * stride;
                }
            }
            outputs.push((scores_name, vec![1, 2, side, side], scores));
            outputs.push((distances_name, vec![1, 4, side, side], distances));
        }
        outputs
    }

    #[test]
    fn distances_are_in_strides_or_pixels_from_a_point_of_the_cell() {
        for in_strides in [true, false] {
            let outputs = outputs(in_strides);
            let outputs: Vec<_> = outputs
                .iter()
                .map(|(name, shape, data)| (*name, &shape[..], data.clone()))
                .collect();
            // Corner (32, 16), middle (40, 24).
            for (layout, corners) in [
                ("rtmdet-heads", [16.0, 8.0, 36.0, 48.0]),
                ("yolov6-heads", [24.0, 16.0, 44.0, 56.0]),
            ] {
                let found = decode(layout, INPUT, &outputs);
                assert_eq!(found.len(), 1, "{layout}");
                assert_box(&found[0], 1, 0.75, corners);
            }
        }
    }

    #[test]
    fn the_mean_of_a_distribution_may_be_many_strides() {
        let mut builder = GraphBuilder::new("image", [1, 17, 8, 8]);
        let mut outputs = Vec::new();
        let mut values = Vec::new();
        for (level, side) in [8_usize, 4, 2].into_iter().enumerate() {
            let cells = side * side;
            let (scores, means) = ([1, 2, side, side], [1, 4, side, side]);
            let zeros = HostTensor::from_f32(scores, vec![0.0; 2 * cells]);
            outputs.push(builder.constant(&format!("s{level}"), zeros));
            let logits = HostTensor::from_f32([4 * cells, 17], vec![0.0; 68 * cells]);
            let logits = builder.constant("logits", logits);
            let softmax = Operator::Softmax { axis: 1 };
            let softmax = builder.push("softmax", softmax, &[logits]).unwrap();
            let bins = HostTensor::from_f32([17, 1], (0..17).map(|bin| bin as f32).collect());
            let bins = builder.constant("bins", bins);
            let mean = builder.push("mean", Operator::MatMul, &[softmax, bins]).unwrap();
            let map = Operator::Reshape { shape: means.to_vec() };
            outputs.push(builder.push(&format!("d{level}"), map, &[mean]).unwrap());
            values.push(("scores", scores.to_vec(), vec![-2.0; 2 * cells]));
            values.push(("means", means.to_vec(), vec![8.05; 4 * cells]));
        }
        let values: Vec<_> =
            values.iter().map(|(name, shape, data)| (*name, &shape[..], data.clone())).collect();
        let graph = builder.finish(outputs);
        let layout = BoxLayout::named("yolov6-heads").unwrap();
        let mut decoder = layout.decoder(&graph, INPUT).unwrap();
        assert_eq!(decoder.check(&batch(&values), 0), Ok(()));
    }

    #[test]
    fn the_graph_shows_which_point_it_is() {
        let name = |finish: &dyn Fn(&mut GraphBuilder, usize, f32) -> (Operator, f32)| {
            let mut builder = GraphBuilder::new("image", [1, 2, 8, 8]);
            let mut outputs = Vec::new();
            for (level, side) in [8_usize, 4, 2].into_iter().enumerate() {
                let cells = side * side;
                let scores = HostTensor::from_f32([1, 2, side, side], vec![0.0; 2 * cells]);
                outputs.push(builder.constant(&format!("s{level}"), scores));
                let input = builder.input();
                let flat = Operator::Reshape { shape: vec![1, 128] };
                let flat = builder.push("flat", flat, &[input]).unwrap();
                let weights = HostTensor::from_f32([128, 4 * cells], vec![0.0; 512 * cells]);
                let weights = builder.constant("w", weights);
                let product = builder.push("p", Operator::MatMul, &[flat, weights]).unwrap();
                let (operator, factor) = finish(&mut builder, level, 8.0 * (1 << level) as f32);
                let operands = match operator {
                    Operator::Binary(_) => {
                        let factor = HostTensor::from_f32([], vec![factor]);
                        vec![product, builder.constant("f", factor)]
                    }
                    _ => vec![product],
                };
                let end = builder.push("end", operator, &operands).unwrap();
                let map = Operator::Reshape { shape: vec![1, 4, side, side] };
                outputs.push(builder.push(&format!("d{level}"), map, &[end]).unwrap());
            }
            let graph = builder.finish(outputs);
            choose(&ModelOutputs::of(&graph, INPUT), None).map(|choice| choice.layout.name())
        };
        let multiply = Operator::Binary(Binary::Mul);
        assert_eq!(name(&|_, _, _| (Operator::Unary(Unary::Exp), 0.0)), Ok("rtmdet-heads"));
        assert_eq!(name(&|_, _, stride| (multiply.clone(), stride)), Ok("rtmdet-heads"));
        let message = name(&|_, _, _| (multiply.clone(), 0.5)).unwrap_err().to_string();
        for line in ["`boxes = \"rtmdet-heads\"`", "`boxes = \"yolov6-heads\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
    }
}
