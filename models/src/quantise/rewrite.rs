//! Writes the quantised graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Activation, Graph, Node, Operator, Value, ValueId};

use super::maps::Maps;
use super::range::Scale;
use super::weights::rounded;
use crate::passes;

/// Quantises and dequantises every map where it is computed, and rounds the weights of the chosen convolutions; the
/// passes then move numbers instead of what they stand for.
pub(super) fn rewrite(
    graph: &Graph,
    chosen: &[usize],
    maps: &Maps,
    scales: &BTreeMap<ValueId, Scale>,
    outputs: &[ValueId],
) -> Graph {
    let mut rewritten = Rewritten { graph: graph.clone(), dequantised: BTreeMap::new() };
    rewritten.graph.outputs = outputs.to_vec();
    rewritten.graph.nodes.clear();
    let scale = |id: ValueId| maps.group(id).map(|group| scales[&group]);
    if let Some(scale) = scale(graph.input) {
        rewritten.quantise(graph.input, scale);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut node = node.clone();
        node.inputs.iter_mut().for_each(|id| *id = rewritten.now(*id));
        if chosen.contains(&index) {
            node.inputs[1] = rewritten.rounded(node.inputs[1]);
        }
        let results = node.outputs.clone();
        rewritten.graph.nodes.push(node);
        for id in results {
            if let Some(scale) = scale(id) {
                rewritten.quantise(id, scale);
            }
        }
    }
    passes::optimise(rewritten.graph)
}

struct Rewritten {
    graph: Graph,
    /// By quantised value: what its numbers stand for.
    dequantised: BTreeMap<ValueId, ValueId>,
}

impl Rewritten {
    fn now(&self, id: ValueId) -> ValueId {
        self.dequantised.get(&id).copied().unwrap_or(id)
    }

    fn quantise(&mut self, id: ValueId, Scale { scale, zero }: Scale) {
        let quantize = Activation::Quantize { scale, zero, min: 0.0, max: 255.0 };
        let number = self.push(id, "quantised", quantize);
        let stands_for = self.push(number, "dequantised", Activation::Dequantize { scale, zero });
        self.dequantised.insert(id, stands_for);
    }

    fn push(&mut self, id: ValueId, suffix: &str, activation: Activation) -> ValueId {
        let name = format!("{}:{suffix}", self.graph.value(id).name);
        let result = self.value(Value { name: name.clone(), ..self.graph.value(id).clone() });
        let operator = Operator::Activation(activation);
        self.graph.nodes.push(Node { name, operator, inputs: vec![id], outputs: vec![result] });
        result
    }

    fn rounded(&mut self, id: ValueId) -> ValueId {
        let weights = self.graph.value(id).clone();
        let elements = weights.constant.as_ref().and_then(|it| it.as_f32()).unwrap_or_default();
        let elements = rounded(elements, weights.shape[0]);
        let constant = HostTensor::from_f32(weights.shape.clone(), elements);
        self.value(Value { constant: Some(Arc::new(constant)), ..weights })
    }

    fn value(&mut self, value: Value) -> ValueId {
        self.graph.values.push(value);
        ValueId(self.graph.values.len() - 1)
    }
}
