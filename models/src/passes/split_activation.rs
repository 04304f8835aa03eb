//! Joins activations that exporters write as several operators into one.

use framegate_backend_api::graph::{Activation, Binary, Graph, Node, Operator, ValueId};

/// Replaces the last node of each known pattern by the activation; the others are left dead unless
/// something else reads them.
pub(super) fn join(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let matcher = Matcher { graph, producers: &producers };
        let found =
            matcher.gated(&graph.nodes[index]).or_else(|| matcher.sixth(&graph.nodes[index]));
        // A scalar of higher rank would raise the rank; an activation cannot.
        let result = graph.nodes[index].outputs[0];
        let same_shape = |x: ValueId| graph.value(x).shape == graph.value(result).shape;
        if let Some((activation, x)) = found.filter(|(_, x)| same_shape(*x)) {
            let node = &mut graph.nodes[index];
            node.operator = Operator::Activation(activation);
            node.inputs = vec![x];
        }
    }
}

struct Matcher<'a> {
    graph: &'a Graph,
    producers: &'a [Option<usize>],
}

impl Matcher<'_> {
    /// `x · sigmoid(x)`, `x · hard_sigmoid(x)` and `x · tanh(softplus(x))`.
    fn gated(&self, node: &Node) -> Option<(Activation, ValueId)> {
        if node.operator != Operator::Binary(Binary::Mul) {
            return None;
        }
        let (a, b) = (node.inputs[0], node.inputs[1]);
        [(a, b), (b, a)].into_iter().find_map(|(x, gate)| {
            let (function, gated) = self.activation(gate)?;
            match function {
                Activation::Sigmoid if gated == x => Some((Activation::Silu, x)),
                Activation::HardSigmoid { alpha, beta } if gated == x && is_sixth(alpha, beta) => {
                    Some((Activation::HardSwish, x))
                }
                Activation::Tanh if self.activation(gated) == Some((Activation::Softplus, x)) => {
                    Some((Activation::Mish, x))
                }
                _ => None,
            }
        })
    }

    /// `clip(x + 3, 0, 6) / 6`, and the same times `x`.
    fn sixth(&self, node: &Node) -> Option<(Activation, ValueId)> {
        let is_six = |id: ValueId| self.scalar(id).is_some_and(|number| number == 6.0);
        let is_one_sixth =
            |id: ValueId| self.scalar(id).is_some_and(|number| (number - 1.0 / 6.0).abs() < 1e-6);
        let numerator = match node.operator {
            Operator::Binary(Binary::Div) if is_six(node.inputs[1]) => node.inputs[0],
            Operator::Binary(Binary::Mul) if is_one_sixth(node.inputs[1]) => node.inputs[0],
            _ => return None,
        };
        if let Some(x) = self.clipped_plus_three(numerator) {
            return Some((Activation::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 }, x));
        }
        let product = self.node(numerator)?;
        if product.operator != Operator::Binary(Binary::Mul) {
            return None;
        }
        let (a, b) = (product.inputs[0], product.inputs[1]);
        [(a, b), (b, a)]
            .into_iter()
            .find(|(x, clipped)| self.clipped_plus_three(*clipped) == Some(*x))
            .map(|(x, _)| (Activation::HardSwish, x))
    }

    /// `x` of `clip(x + 3, 0, 6)`.
    fn clipped_plus_three(&self, id: ValueId) -> Option<ValueId> {
        let (Activation::Clip { min: 0.0, max: 6.0 }, sum) = self.activation(id)? else {
            return None;
        };
        let sum = self.node(sum)?;
        let is_three = |id: ValueId| self.scalar(id).is_some_and(|number| number == 3.0);
        match (&sum.operator, &sum.inputs[..]) {
            (Operator::Binary(Binary::Add), [x, three]) if is_three(*three) => Some(*x),
            (Operator::Binary(Binary::Add), [three, x]) if is_three(*three) => Some(*x),
            _ => None,
        }
    }

    fn node(&self, id: ValueId) -> Option<&Node> {
        self.producers[id.0].map(|index| &self.graph.nodes[index])
    }

    fn activation(&self, id: ValueId) -> Option<(Activation, ValueId)> {
        let node = self.node(id)?;
        match node.operator {
            Operator::Activation(activation) => Some((activation, node.inputs[0])),
            _ => None,
        }
    }

    fn scalar(&self, id: ValueId) -> Option<f32> {
        match self.graph.value(id).constant.as_ref()?.as_f32()? {
            [number] => Some(*number),
            _ => None,
        }
    }
}

/// Whether these are the hard sigmoid's parameters that hard swish uses.
fn is_sixth(alpha: f32, beta: f32) -> bool {
    (alpha - 1.0 / 6.0).abs() < 1e-6 && beta == 0.5
}
