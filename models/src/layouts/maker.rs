//! Which library a detector of two stages was written with, as names in the file show: their lists of boxes look alike
//! and number classes differently.

use framegate_backend_api::ElementType;

use super::outputs::ModelOutputs;

/// A library whose files can be known by what they call their modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// Classes count from 1; 0 is the background.
    Torchvision,
    /// Classes count from 0.
    Detectron2,
}

const TORCHVISION: &[&str] =
    &["rpn.head.", "/rpn/head/", "backbone.body", "/backbone/body", "classification_head"];
const DETECTRON2: &[&str] = &["proposal_generator", "bottom_up"];

impl Maker {
    /// The library, if the file's names show it or there is an output that only one of them has.
    pub(super) fn of(outputs: &ModelOutputs<'_>) -> Option<Self> {
        if (0..outputs.shapes.len()).any(|at| is_image_size(outputs, at)) {
            return Some(Self::Detectron2);
        }
        let graph = outputs.graph;
        let nodes = graph.nodes.iter().map(|node| &node.name);
        let weights = graph.values.iter().filter(|value| value.constant.is_some());
        let has = |names: &[&str]| {
            let mut all = nodes.clone().chain(weights.clone().map(|weight| &weight.name));
            all.any(|name| names.iter().any(|part| name.contains(part)))
        };
        match (has(TORCHVISION), has(DETECTRON2)) {
            (true, false) => Some(Self::Torchvision),
            (false, true) => Some(Self::Detectron2),
            _ => None,
        }
    }
}

/// Whether outputs have the names that TensorFlow gives results without one.
pub(super) fn is_named_by_tensorflow(outputs: &ModelOutputs<'_>) -> bool {
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    outputs.shapes.iter().any(|output| {
        let number = output.name.rsplit_once(':').map(|(_, number)| number);
        output.name.starts_with("Identity")
            || output.name.contains("PartitionedCall")
            || number.is_some_and(is_number)
    })
}

/// Whether an output is the size of the image, which Detectron2 puts behind its lists.
pub(super) fn is_image_size(outputs: &ModelOutputs<'_>, position: usize) -> bool {
    let value = outputs.graph.value(outputs.graph.outputs[position]);
    value.shape == [2] && value.element_type == ElementType::I64
}
