//! How much memory and work a file may ask for. A detector needs far less; a hostile file costs an
//! error.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{AveragePool, Graph, Operator, RoiAlign, Window};

use super::context::Problem;
use super::error::OnnxError;
use super::tensor::MAX_RANK;

/// Multiply-adds and elements that may be computed on constants: seconds of scalar code.
const CONSTANT_WORK: usize = 1 << 28;
/// Elements of all constants that are computed and still read.
const CONSTANT_ELEMENTS: usize = 1 << 26;
/// Elements that may be computed for each weight of the file: networks that standardise their weights (NFNet) compute
/// seven, and exporters leave it to the reader.
const ELEMENTS_PER_WEIGHT: usize = 8;
/// The most of them at one time, for a file of many weights: 768 MiB.
const MOST_CONSTANT_ELEMENTS: usize = 192 << 20;
/// Elements that are computed before those that nothing reads any more are freed.
const FREE_AFTER: usize = 32 << 20;
/// Elements of all feature maps that must be in memory at one time, for one image: 768 MiB.
const LIVE_ELEMENTS: usize = 192 << 20;
/// Nodes of a graph, and of a file whose loops are unrolled.
const NODES: usize = 400_000;
/// Elements that all pooling windows of an image cover together.
const POOLED_ELEMENTS: usize = 1 << 31;

/// Work and memory that are left for computing on constants.
#[derive(Debug)]
pub(super) struct ConstantBudget {
    work: usize,
    elements: usize,
    /// Elements since the last time that some were freed.
    since_freed: usize,
    nodes: usize,
}

impl ConstantBudget {
    pub(super) fn new() -> Self {
        Self { work: CONSTANT_WORK, elements: CONSTANT_ELEMENTS, since_freed: 0, nodes: NODES }
    }

    /// Allows as much as a file of this many weights may compute from them.
    pub(super) fn allow_for(&mut self, weights: usize) {
        let computed = weights.saturating_mul(ELEMENTS_PER_WEIGHT);
        self.elements = self.elements.max(computed.min(MOST_CONSTANT_ELEMENTS));
        // Each is computed from as many numbers.
        self.work = self.work.max(computed.saturating_mul(2));
    }

    /// Takes off what computing a result of `elements` from constants costs.
    pub(super) fn spend(
        &mut self,
        operator: &Operator,
        constants: &[&HostTensor],
        elements: usize,
    ) -> Result<(), Problem> {
        let read = constants.iter().map(|constant| constant.len()).sum();
        let work = elements.saturating_mul(terms(operator, constants)).max(read);
        self.work = self.work.checked_sub(work).ok_or(
            "the file asks for too much computing on constants; simplify the model when exporting",
        )?;
        self.reserve(elements)
    }

    /// Takes off a node.
    pub(super) fn count_node(&mut self) -> Result<(), Problem> {
        let problem = "the file becomes too many nodes; its loops run too often";
        self.nodes = self.nodes.checked_sub(1).ok_or(problem)?;
        Ok(())
    }

    /// Takes off the memory of a constant.
    pub(super) fn reserve(&mut self, elements: usize) -> Result<(), Problem> {
        self.elements = self.elements.checked_sub(elements).ok_or(
            "the file asks for too much memory for constants; simplify the model when exporting",
        )?;
        self.since_freed = self.since_freed.saturating_add(elements);
        Ok(())
    }

    /// Whether it is worth looking for constants that nothing reads any more.
    pub(super) fn should_free(&self) -> bool {
        self.since_freed >= FREE_AFTER
    }

    /// Gives back the memory of constants that are freed.
    pub(super) fn free(&mut self, elements: usize) {
        self.elements += elements;
        self.since_freed = 0;
    }
}

/// The maximum number of terms combined into each element of a result.
fn terms(operator: &Operator, constants: &[&HostTensor]) -> usize {
    match operator {
        Operator::Convolution(_) | Operator::TransposedConvolution(_) => constants[1].len(),
        Operator::MatMul => constants[0].shape().last().copied().unwrap_or(1),
        Operator::TopK(top_k) => top_k.k.clamp(1, 64),
        Operator::RoiAlign(parameters) => samples(parameters, constants[0].shape()),
        // Each box is compared with those that are kept.
        Operator::NonMaxSuppression(suppression) => {
            let boxes = constants[0].shape().get(1).copied().unwrap_or(0);
            suppression.kept_of(boxes).saturating_mul(boxes)
        }
        operator => window(operator).map_or(1, taps),
    }
}

fn window(operator: &Operator) -> Option<&Window> {
    match operator {
        Operator::MaxPool(window) | Operator::AveragePool(AveragePool { window, .. }) => {
            Some(window)
        }
        _ => None,
    }
}

/// The most elements that are read for each element of a result.
fn samples(parameters: &RoiAlign, x: &[usize]) -> usize {
    let per_bin = match (parameters.samples, x) {
        // As many samples as there are elements in a bin, and a region can be as large as the feature map.
        (0, [.., height, width]) => height.saturating_mul(*width),
        (samples, _) => samples.saturating_mul(samples),
    };
    per_bin.saturating_mul(4)
}

fn taps(window: &Window) -> usize {
    window.kernel[0].saturating_mul(window.kernel[1])
}

/// Checks that a result has as many axes as a tensor may have.
pub(super) fn check_rank(shape: &[usize]) -> Result<(), Problem> {
    match shape.len() {
        0..=MAX_RANK => Ok(()),
        axes => Err(format!("its result has {axes} axes")),
    }
}

/// Checks what running the graph on one image needs.
///
/// # Errors
/// [`OnnxError::TooMuch`].
pub(super) fn check_graph(graph: &Graph) -> Result<(), OnnxError> {
    let live = most_live_elements(graph);
    if live > LIVE_ELEMENTS {
        let mebibytes = live >> 18;
        return Err(OnnxError::TooMuch(format!(
            "its feature maps take {mebibytes} MiB per image where {} are allowed; export it for smaller images",
            LIVE_ELEMENTS >> 18
        )));
    }
    let pooled = graph.nodes.iter().filter_map(|node| {
        let result = graph.value(node.outputs[0]).shape.iter().product::<usize>();
        let read = match &node.operator {
            Operator::RoiAlign(parameters) if parameters.samples > 0 => samples(parameters, &[]),
            // Bins that are not larger than their region read each element once.
            Operator::RoiAlign(RoiAlign { size, .. }) => {
                let [.., height, width] = graph.value(node.inputs[0]).shape[..] else {
                    return None;
                };
                (4 * height).saturating_mul(width) / (size[0] * size[1]).max(1) + 4
            }
            operator => taps(window(operator)?),
        };
        Some(result.saturating_mul(read))
    });
    if pooled.fold(0, usize::saturating_add) > POOLED_ELEMENTS {
        return Err(OnnxError::TooMuch("its pooling windows are too large".to_owned()));
    }
    Ok(())
}

/// The most elements that must be in memory at one time if each value is kept until its last reader.
fn most_live_elements(graph: &Graph) -> usize {
    let elements = |index: usize| -> usize {
        let value = &graph.values[index];
        if value.constant.is_some() { 0 } else { value.shape.iter().product() }
    };
    let mut last_reader = vec![0; graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|id| last_reader[id.0] = index);
    }
    graph.outputs.iter().for_each(|id| last_reader[id.0] = usize::MAX);
    let mut live = elements(graph.input.0);
    let mut most = live;
    for (index, node) in graph.nodes.iter().enumerate() {
        let made: usize = node.outputs.iter().map(|id| elements(id.0)).sum();
        live = live.saturating_add(made);
        most = most.max(live);
        for id in node.inputs.iter().chain(&node.outputs) {
            // Of a value that the node reads twice only one is freed.
            if last_reader[id.0] == index {
                live -= elements(id.0).min(live);
                last_reader[id.0] = usize::MAX;
            }
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_many_weights_may_compute_more_but_not_without_bound() {
        let fits = |weights: usize, elements: usize| {
            let mut budget = ConstantBudget::new();
            budget.allow_for(weights);
            budget.reserve(elements).is_ok()
        };
        assert!(!fits(0, CONSTANT_ELEMENTS + 1));
        assert!(fits(CONSTANT_ELEMENTS, CONSTANT_ELEMENTS + 1));
        assert!(fits(usize::MAX, MOST_CONSTANT_ELEMENTS));
        assert!(!fits(usize::MAX, MOST_CONSTANT_ELEMENTS + 1));
    }
}
