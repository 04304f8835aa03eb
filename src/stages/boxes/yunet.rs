//! YuNet: faces, three outputs for each stride.

use framegate_backend_api::OutputBatch;
use framegate_backend_api::graph::Graph;
use framegate_models::Size;
use framegate_models::detector::grid;

use super::candidate::Candidate;
use super::rows::reaches;

/// Decodes `cls_S` and `obj_S` of `[cells, 1]` and `bbox_S` of `[cells, 4]` for each stride `S`.
///
/// score = √(class · objectness), each clamped to 0 … 1; centre = (cell + offset) · S,
/// size = exp(log size) · S: `FaceDetectorYN` of OpenCV,
/// <https://github.com/opencv/opencv/blob/4.x/modules/objdetect/src/face_detect.cpp>.
#[derive(Debug)]
pub(super) struct Yunet {
    scales: Vec<Scale>,
}

/// The outputs of one stride, by their place among the model's outputs.
#[derive(Debug)]
struct Scale {
    stride: f32,
    columns: usize,
    class: usize,
    objectness: usize,
    boxes: usize,
}

impl Yunet {
    pub(super) fn new(input: Size, strides: &[usize], graph: &Graph) -> Self {
        let position = |name: String| {
            let mut names = graph.outputs.iter().map(|id| &graph.value(*id).name);
            names.position(|output| *output == name).expect("`BoxDecoder::check` found the output")
        };
        let scale = |stride: &usize| Scale {
            stride: *stride as f32,
            columns: grid(input, *stride).0,
            class: position(format!("cls_{stride}")),
            objectness: position(format!("obj_{stride}")),
            boxes: position(format!("bbox_{stride}")),
        };
        Self { scales: strides.iter().map(scale).collect() }
    }

    pub(super) fn decode(
        &self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        for scale in &self.scales {
            let output = |position: usize| outputs.tensors[position].image(image);
            let (boxes, _) = output(scale.boxes).as_chunks::<4>();
            let scores = output(scale.class).iter().zip(output(scale.objectness));
            candidates.extend(scores.zip(boxes).enumerate().filter_map(|(cell, (scores, raw))| {
                let (class, objectness) = scores;
                let score = (class.clamp(0.0, 1.0) * objectness.clamp(0.0, 1.0)).sqrt();
                if !reaches(score, confidence) {
                    return None;
                }
                let x = (raw[0] + (cell % scale.columns) as f32) * scale.stride;
                let y = (raw[1] + (cell / scale.columns) as f32) * scale.stride;
                let size = [raw[2].exp() * scale.stride, raw[3].exp() * scale.stride];
                Candidate::from_centre([x, y, size[0], size[1]], score, 0)
            }));
        }
    }
}
