//! A detector so small that the scalar reference runs it in no time.

use std::collections::BTreeMap;

use framegate_backend_api::Model;
use framegate_backend_api::graph::{Activation, GraphBuilder, Operator, Reduce, Reduction};
use framegate_models::Detector;
use framegate_models::detector::{
    ChannelOrder, Fit, ImageInput, LabelsSource, NmsScope, ResizeFilter,
};
use framegate_models::layouts::BoxLayout;

use super::images::plain;

/// A class each, with the colour it stands for.
pub(crate) const COLOURS: [(&str, [u8; 3]); 3] =
    [("red", [255, 0, 0]), ("green", [0, 255, 0]), ("blue", [0, 0, 255])];

/// Says which of the three colours an image has: each class's score is the sigmoid of a channel's
/// mean level.
pub(crate) fn colour_detector() -> Detector {
    let mut builder = GraphBuilder::new("image", [1, 3, 8, 8]);
    let mean = Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_axes: false };
    let mean = builder.push("mean", Operator::Reduce(mean), &[builder.input()]).unwrap();
    let sigmoid = Operator::Activation(Activation::Sigmoid);
    let scores = builder.push("scores", sigmoid, &[mean]).unwrap();
    let graph = builder.finish(vec![scores]);
    Detector {
        model: Model { name: "colour".to_owned(), graph, metadata: BTreeMap::new() },
        input: ImageInput {
            width: 8,
            height: 8,
            channel_order: ChannelOrder::Rgb,
            mean: [127.5; 3],
            scale: [0.1; 3],
            fit: Fit::Stretch,
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
        },
        boxes: BoxLayout::named("classify").unwrap(),
        boxes_reason: "made for a test".to_owned(),
        guesses: Vec::new(),
        nms: NmsScope::PerClass,
        second: None,
        labels: COLOURS.map(|(label, _)| label.to_owned()).to_vec(),
        labels_source: LabelsSource::Sidecar,
        licence: None,
        source: None,
    }
}

/// An image of 20 × 10 pixels of the colour with this number.
pub(crate) fn image(number: usize) -> Vec<u8> {
    plain(20, 10, COLOURS[number % 3].1)
}
