//! Joins what quantises and dequantises numbers into one activation each, and moves quantised numbers in
//! place of what they stand for.
//!
//! The importer writes `clip(round(x / scale) + zero)` and `(x − zero) · scale`. A pair around an operator
//! that only moves elements, or takes the largest, is not needed: the quantised numbers can be moved.

use framegate_backend_api::graph::{
    Activation, Binary, Graph, Node, Operator, Resize, ResizeMode, Unary, Value, ValueId,
};

use super::Redirects;

/// Replaces the last node of each chain by the activation; the others are left dead unless something else
/// reads them.
pub(super) fn join(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let chains = Chains { graph, producers: &producers };
        let node = &graph.nodes[index];
        let found = chains.quantize(node).or_else(|| chains.dequantize(node));
        // A scalar of higher rank would raise the rank; an activation cannot.
        let shape = |id: ValueId| &graph.value(id).shape;
        let same_shape = |x: ValueId| shape(x) == shape(node.outputs[0]);
        if let Some((activation, x)) = found.filter(|(_, x)| same_shape(*x)) {
            let node = &mut graph.nodes[index];
            node.operator = Operator::Activation(activation);
            node.inputs = vec![x];
        }
    }
}

/// Removes pairs that change nothing, and those around operators that move elements.
pub(super) fn move_quantised(graph: &mut Graph) {
    let (uses, producers) = (graph.use_counts(), graph.producers());
    let mut redirects = Redirects::new(graph);
    let nodes = std::mem::take(&mut graph.nodes);
    let mut moved = Vec::with_capacity(nodes.len());
    for mut node in nodes.iter().cloned() {
        let Some(quantize) = quantize_of(&node) else {
            redirects.visit(&mut node);
            moved.push(node);
            continue;
        };
        let (x, result) = (node.inputs[0], node.outputs[0]);
        let chains = Pairs { nodes: &nodes, producers: &producers };
        if let Some(same) = chains.undone(x, quantize).filter(|_| !redirects.is_output(result)) {
            redirects.replace(result, redirects.now(same));
            continue;
        }
        let movement = producers[x.0].map(|index| &nodes[index]).filter(|movement| {
            let is_dequantised = |id: &ValueId| chains.dequantized(*id).is_some();
            uses[x.0] == 1
                && moves_elements(&movement.operator)
                && movement.inputs.iter().all(is_dequantised)
        });
        if let Some(movement) = movement {
            node.operator = movement.operator.clone();
            node.inputs = movement.inputs.clone();
            for id in &mut node.inputs {
                *id = chains.undone(*id, quantize).unwrap_or_else(|| {
                    let operand = redirects.now(*id);
                    let name = format!("{}:quantised", graph.values[id.0].name);
                    let value = Value { name, constant: None, ..graph.values[id.0].clone() };
                    graph.values.push(value);
                    let quantised = ValueId(graph.values.len() - 1);
                    moved.push(Node {
                        name: node.name.clone(),
                        operator: Operator::Activation(quantize),
                        inputs: vec![operand],
                        outputs: vec![quantised],
                    });
                    quantised
                });
            }
        }
        redirects.visit(&mut node);
        moved.push(node);
    }
    graph.nodes = moved;
    redirects.finish(graph);
}

fn quantize_of(node: &Node) -> Option<Activation> {
    match node.operator {
        Operator::Activation(quantize @ Activation::Quantize { .. }) => Some(quantize),
        _ => None,
    }
}

/// Whether an operator computes none of its results' elements, or takes the largest: such an operator and a
/// function that never falls can change places.
pub(crate) fn moves_elements(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::MaxPool(_)
            | Operator::Resize(Resize { mode: ResizeMode::Nearest(_), .. })
            | Operator::Concat { .. }
            | Operator::Slice(_)
            | Operator::Reshape { .. }
            | Operator::Transpose { .. }
            | Operator::Expand { .. }
            | Operator::Tile { .. }
    )
}

/// Finds quantised numbers and what they stand for.
struct Pairs<'a> {
    nodes: &'a [Node],
    producers: &'a [Option<usize>],
}

impl Pairs<'_> {
    /// The quantised number, its scale and its zero point, if a value is what such a number stands for.
    fn dequantized(&self, id: ValueId) -> Option<(ValueId, f32, f32)> {
        let node = &self.nodes[self.producers.get(id.0).copied().flatten()?];
        match node.operator {
            Operator::Activation(Activation::Dequantize { scale, zero }) => {
                Some((node.inputs[0], scale, zero))
            }
            _ => None,
        }
    }

    /// The number that `quantize` makes of a value again, if that is what the value stands for.
    fn undone(&self, id: ValueId, quantize: Activation) -> Option<ValueId> {
        let Activation::Quantize { scale, zero, min, max } = quantize else { return None };
        let (number, own_scale, own_zero) = self.dequantized(id)?;
        let [least, most] = self.bounds(number)?;
        let is_same = (own_scale, own_zero) == (scale, zero) && min <= least && most <= max;
        is_same.then_some(number)
    }

    /// The bounds of a quantised number, which may have been moved.
    fn bounds(&self, id: ValueId) -> Option<[f32; 2]> {
        let node = &self.nodes[self.producers.get(id.0).copied().flatten()?];
        match &node.operator {
            Operator::Activation(Activation::Quantize { min, max, .. }) => Some([*min, *max]),
            Operator::Concat { .. } => node
                .inputs
                .iter()
                .map(|id| self.bounds(*id))
                .reduce(|a, b| a.zip(b).map(|(a, b)| [a[0].min(b[0]), a[1].max(b[1])]))?,
            operator if moves_elements(operator) => self.bounds(node.inputs[0]),
            _ => None,
        }
    }
}

/// Finds chains of single operators, as the importer writes them.
struct Chains<'a> {
    graph: &'a Graph,
    producers: &'a [Option<usize>],
}

impl Chains<'_> {
    /// `clip(round(x / scale) + zero)`, in which the division and the zero point may be missing.
    fn quantize(&self, node: &Node) -> Option<(Activation, ValueId)> {
        let Operator::Activation(Activation::Clip { min, max }) = node.operator else {
            return None;
        };
        let is_whole = |number: f32| number.fract() == 0.0 && number.abs() <= 65_536.0;
        let (moved, zero) = match self.with_number(node.inputs[0], Binary::Add) {
            Some((moved, zero)) => (moved, zero),
            None => (node.inputs[0], 0.0),
        };
        let round = self.node(moved).filter(|node| node.operator == Operator::Unary(Unary::Round));
        let divided = round?.inputs[0];
        let (x, scale) = match self.with_number(divided, Binary::Div) {
            Some((x, scale)) if scale.is_normal() && scale > 0.0 => (x, scale),
            _ => (divided, 1.0),
        };
        let are_whole = [zero, min, max].into_iter().all(is_whole);
        let quantize = Activation::Quantize { scale, zero, min, max };
        (are_whole && min <= max).then_some((quantize, x))
    }

    /// `(x − zero) · scale` of a quantised number `x`, in which the zero point or the scale may be missing.
    fn dequantize(&self, node: &Node) -> Option<(Activation, ValueId)> {
        let [a, b] = node.inputs[..] else { return None };
        match node.operator {
            Operator::Binary(Binary::Sub) => {
                let (scale, zero) = (1.0, self.number(b)?);
                self.is_quantised(a).then_some((Activation::Dequantize { scale, zero }, a))
            }
            Operator::Binary(Binary::Mul) => {
                let scale = self.number(b).filter(|scale| scale.is_normal() && *scale > 0.0)?;
                match self.node(a)?.operator {
                    Operator::Activation(Activation::Dequantize { scale: 1.0, zero }) => {
                        Some((Activation::Dequantize { scale, zero }, self.node(a)?.inputs[0]))
                    }
                    _ if self.is_quantised(a) => {
                        Some((Activation::Dequantize { scale, zero: 0.0 }, a))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether a value was quantised, and at most moved since.
    fn is_quantised(&self, id: ValueId) -> bool {
        let Some(node) = self.node(id) else { return false };
        match &node.operator {
            Operator::Activation(Activation::Quantize { .. }) => true,
            operator => moves_elements(operator) && self.is_quantised(node.inputs[0]),
        }
    }

    /// The operands of a binary function whose second one is a number.
    fn with_number(&self, id: ValueId, function: Binary) -> Option<(ValueId, f32)> {
        let node = self.node(id)?;
        let [x, number] = node.inputs[..] else { return None };
        let is_it = node.operator == Operator::Binary(function);
        is_it.then(|| self.number(number).map(|number| (x, number)))?
    }

    fn node(&self, id: ValueId) -> Option<&Node> {
        self.producers[id.0].map(|index| &self.graph.nodes[index])
    }

    /// The number that a constant of one element holds.
    fn number(&self, id: ValueId) -> Option<f32> {
        match self.graph.value(id).constant.as_ref()?.as_f32()? {
            [number] => Some(*number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{GraphBuilder, Padding, Window};
    use framegate_scalar::evaluate_graph;

    use super::super::optimise;
    use super::*;

    /// A graph as the importer writes it.
    struct Written(GraphBuilder);

    impl Written {
        fn new() -> Self {
            Self(GraphBuilder::new("x", [1, 2, 4, 6]))
        }

        fn push(&mut self, operator: Operator, inputs: &[ValueId]) -> ValueId {
            self.0.push("node", operator, inputs).unwrap()
        }

        fn binary(&mut self, function: Binary, x: ValueId, number: f32) -> ValueId {
            let number = self.0.constant("n", HostTensor::from_f32([], vec![number]));
            self.push(Operator::Binary(function), &[x, number])
        }

        fn quantized(&mut self, x: ValueId, scale: f32, zero: f32) -> ValueId {
            let divided = self.binary(Binary::Div, x, scale);
            let rounded = self.push(Operator::Unary(Unary::Round), &[divided]);
            let moved = self.binary(Binary::Add, rounded, zero);
            let clip = Activation::Clip { min: 0.0, max: 255.0 };
            self.push(Operator::Activation(clip), &[moved])
        }

        fn dequantized(&mut self, x: ValueId, scale: f32, zero: f32) -> ValueId {
            let moved = self.binary(Binary::Sub, x, zero);
            self.binary(Binary::Mul, moved, scale)
        }

        /// The optimised graph, after a comparison with the one that was written.
        fn optimised(self, output: ValueId) -> Graph {
            let graph = self.0.finish(vec![output]);
            let image = (0..48).map(|index| (index * 37 % 101) as f32 * 0.21 - 9.0).collect();
            let image = HostTensor::from_f32([1, 2, 4, 6], image);
            let optimised = optimise(graph.clone());
            assert_eq!(evaluate_graph(&graph, &image), evaluate_graph(&optimised, &image));
            optimised
        }
    }

    fn operators(graph: &Graph) -> Vec<&Operator> {
        graph.nodes.iter().map(|node| &node.operator).collect()
    }

    const QUANTIZE: Activation =
        Activation::Quantize { scale: 0.25, zero: 31.0, min: 0.0, max: 255.0 };

    #[test]
    fn chains_become_one_activation_each() {
        let mut written = Written::new();
        let x = written.0.input();
        let q = written.quantized(x, 0.25, 31.0);
        let y = written.dequantized(q, 0.25, 31.0);
        let graph = written.optimised(y);
        let dequantize = Activation::Dequantize { scale: 0.25, zero: 31.0 };
        let expected = [QUANTIZE, dequantize].map(Operator::Activation);
        assert_eq!(operators(&graph), expected.each_ref());
    }

    #[test]
    fn a_pair_around_a_pool_of_the_same_scale_is_removed() {
        let mut written = Written::new();
        let x = written.0.input();
        let q = written.quantized(x, 0.25, 31.0);
        let y = written.dequantized(q, 0.25, 31.0);
        let window = Window {
            kernel: [2, 2],
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
        };
        let pooled = written.push(Operator::MaxPool(window.clone()), &[y]);
        let y = written.quantized(pooled, 0.25, 31.0);
        let graph = written.optimised(y);
        let expected = [Operator::Activation(QUANTIZE), Operator::MaxPool(window)];
        assert_eq!(operators(&graph), expected.each_ref());
    }

    #[test]
    fn parts_of_another_scale_are_quantised_before_they_are_joined() {
        let mut written = Written::new();
        let x = written.0.input();
        let parts = [(0.25, 31.0), (0.5, 31.0)].map(|(scale, zero)| {
            let q = written.quantized(x, scale, zero);
            written.dequantized(q, scale, zero)
        });
        let joined = written.push(Operator::Concat { axis: 1 }, &parts);
        let y = written.quantized(joined, 0.25, 31.0);
        let graph = written.optimised(y);
        assert_eq!(graph.nodes.len(), 5, "{:#?}", graph.nodes);
        assert_eq!(graph.nodes[4].operator, Operator::Concat { axis: 1 });
        assert_eq!(graph.nodes[3].operator, Operator::Activation(QUANTIZE));
    }

    #[test]
    fn a_pair_that_cuts_off_more_stays() {
        let mut written = Written::new();
        let x = written.0.input();
        let q = written.quantized(x, 0.25, 31.0);
        let y = written.dequantized(q, 0.25, 31.0);
        let divided = written.binary(Binary::Div, y, 0.25);
        let rounded = written.push(Operator::Unary(Unary::Round), &[divided]);
        let moved = written.binary(Binary::Add, rounded, 31.0);
        let clip = Activation::Clip { min: 10.0, max: 40.0 };
        let y = written.push(Operator::Activation(clip), &[moved]);
        assert_eq!(written.optimised(y).nodes.len(), 3);
    }
}
