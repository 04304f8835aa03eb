//! `yunet`: YuNet's faces, three outputs for each stride.

use framegate_backend_api::OutputBatch;

use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, grid, grid_cells};
use super::scores::reaches;
use super::{Candidate, Decoder, Layout, Reading, Recognition};
use crate::image_input::{ChannelOrder, Fit, LetterboxAlign, ResizeFilter};

/// `FaceDetectorYN` of OpenCV: padded with black at the right and bottom, BGR from 0 to 255.
pub(super) const YUNET: Family = Family {
    name: "yunet",
    preprocessing: Preprocessing {
        channel_order: ChannelOrder::Bgr,
        mean: [0.0; 3],
        scale: [1.0; 3],
        fit: Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 0 },
        resize: ResizeFilter::Bilinear,
    },
};

/// `cls_S` and `obj_S` of `[1, cells, 1]` and `bbox_S` of `[1, cells, 4]` for each stride `S`. The
/// landmarks, `kps_S`, are not used and may be missing.
#[derive(Debug)]
pub(super) struct Yunet;

impl Layout for Yunet {
    fn names(&self) -> &'static [&'static str] {
        &["yunet"]
    }

    fn shape(&self) -> &'static str {
        "faces, with outputs cls_S, obj_S and bbox_S for each stride S"
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        format!(
            "outputs cls_S and obj_S of [1, cells, 1] and bbox_S of [1, cells, 4] for S in {:?}",
            outputs.strides_or_default()
        )
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let has = |name: String, cells: usize, extent: usize| {
            let mut shapes = outputs.shapes.iter();
            shapes.any(|output| output.name == name && *output.shape == [1, cells, extent])
        };
        let strides = outputs.strides_or_default();
        let complete = strides.iter().all(|stride| {
            let cells = grid_cells(outputs.input, &[*stride]);
            has(format!("cls_{stride}"), cells, 1)
                && has(format!("obj_{stride}"), cells, 1)
                && has(format!("bbox_{stride}"), cells, 4)
        });
        complete.then(|| Reading { strides: strides.to_vec(), ..Reading::of(ClassCount::Known(1)) })
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes("the outputs have YuNet's names and shapes".to_owned())
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&YUNET]
    }

    fn labels(&self) -> &'static [&'static str] {
        &["face"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let position = |name: String| {
            let position = outputs.shapes.iter().position(|output| output.name == name);
            position.expect("`read` found the output")
        };
        let scale = |stride: &usize| Scale {
            stride: *stride as f32,
            columns: grid(outputs.input, *stride).0,
            class: position(format!("cls_{stride}")),
            objectness: position(format!("obj_{stride}")),
            boxes: position(format!("bbox_{stride}")),
        };
        Box::new(YunetDecoder { scales: reading.strides.iter().map(scale).collect() })
    }
}

/// score = √(class · objectness), each clamped to 0 … 1; centre = (cell + offset) · S,
/// size = exp(log size) · S: `FaceDetectorYN` of OpenCV,
/// <https://github.com/opencv/opencv/blob/4.x/modules/objdetect/src/face_detect.cpp>.
#[derive(Debug)]
struct YunetDecoder {
    scales: Vec<Scale>,
}

/// The outputs of one stride, by their position among the model's outputs.
#[derive(Debug)]
struct Scale {
    stride: f32,
    columns: usize,
    class: usize,
    objectness: usize,
    boxes: usize,
}

impl Decoder for YunetDecoder {
    fn decode(
        &mut self,
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
