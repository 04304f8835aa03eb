//! One decoder for each layout of outputs, ready for one model.

use framegate_backend_api::OutputBatch;
use framegate_backend_api::graph::Graph;
use framegate_models::Size;
use framegate_models::detector::BoxDecoder;

use super::candidate::Candidate;
use super::classify::Classify;
use super::yolov8::Yolov8;
use super::yolox::Yolox;
use super::yunet::Yunet;
use super::{end2end, yolov5};

/// A box decoder prepared for a model whose outputs [`BoxDecoder::check`] has approved.
#[derive(Debug)]
pub(super) enum Decoder {
    Yolox(Yolox),
    Yolov8(Yolov8),
    Yolov5 { row_len: usize },
    End2end,
    Yunet(Yunet),
    Classify(Classify),
}

impl Decoder {
    pub(super) fn new(boxes: &BoxDecoder, graph: &Graph, input: Size) -> Self {
        let first = &graph.value(graph.outputs[0]).shape;
        match boxes {
            BoxDecoder::Yolox { strides } => Self::Yolox(Yolox::new(input, strides, first[2])),
            BoxDecoder::Yolov8 => Self::Yolov8(Yolov8::new(first[2])),
            BoxDecoder::Yolov5 => Self::Yolov5 { row_len: first[2] },
            BoxDecoder::End2end => Self::End2end,
            BoxDecoder::Yunet { strides } => Self::Yunet(Yunet::new(input, strides, graph)),
            BoxDecoder::Classify => Self::Classify(Classify::new(input, graph)),
        }
    }

    /// Whether the model reports an object more than once.
    pub(super) fn needs_nms(&self) -> bool {
        !matches!(self, Self::End2end | Self::Classify(_))
    }

    /// Adds what scores at least `confidence` on image number `image`.
    pub(super) fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let first = || outputs.tensors[0].image(image);
        match self {
            Self::Yolox(yolox) => yolox.decode(first(), confidence, candidates),
            Self::Yolov8(yolov8) => yolov8.decode(first(), confidence, candidates),
            Self::Yolov5 { row_len } => yolov5::decode(first(), *row_len, confidence, candidates),
            Self::End2end => end2end::decode(first(), confidence, candidates),
            Self::Yunet(yunet) => yunet.decode(outputs, image, confidence, candidates),
            Self::Classify(classify) => classify.decode(first(), confidence, candidates),
        }
    }
}
