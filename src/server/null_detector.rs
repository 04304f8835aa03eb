//! The detector that a server of the backend `null` serves when no model is given.

use std::collections::BTreeMap;

use framegate_backend_api::Model;
use framegate_backend_api::graph::{
    Activation, Graph, GraphBuilder, GraphError, Operator, Reduce, Reduction,
};
use framegate_models::Detector;
use framegate_models::detector::{
    ChannelOrder, Fit, ImageInput, LabelsSource, NmsScope, ResizeFilter,
};
use framegate_models::layouts::BoxLayout;

/// Width and height of its input in pixels: those of a small detector.
const NULL_EXTENT: usize = 320;

/// A detector that detects nothing, for a backend that computes nothing.
pub(super) fn null_detector() -> Detector {
    Detector {
        model: Model {
            name: "null".to_owned(),
            graph: null_graph().expect("the operands fit their operators"),
            metadata: BTreeMap::new(),
        },
        input: ImageInput {
            width: NULL_EXTENT,
            height: NULL_EXTENT,
            channel_order: ChannelOrder::Rgb,
            mean: [0.0; 3],
            scale: [1.0 / 255.0; 3],
            fit: Fit::Stretch,
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
        },
        boxes: BoxLayout::named("classify").expect("classifiers have a layout"),
        boxes_reason: "there is no model".to_owned(),
        guesses: Vec::new(),
        nms: NmsScope::PerClass,
        second: None,
        labels: ["nothing", "something", "anything"].map(str::to_owned).to_vec(),
        labels_source: LabelsSource::Sidecar,
        licence: None,
        source: None,
    }
}

/// One score per channel.
fn null_graph() -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::new("image", [1, 3, NULL_EXTENT, NULL_EXTENT]);
    let mean = Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_axes: false };
    let mean = builder.push("mean", Operator::Reduce(mean), &[builder.input()])?;
    let scores = builder.push("scores", Operator::Activation(Activation::Sigmoid), &[mean])?;
    Ok(builder.finish(vec![scores]))
}
