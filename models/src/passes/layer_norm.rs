//! Joins what exporters write for layer normalisation into one operator:
//!
//! ```text
//! c = x − mean(x)      y = c / √(mean(c²) + ε) · scale + bias
//! ```
//!
//! over the innermost axes.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{
    Binary, Graph, Node, Operator, Reduction, Unary, Value, ValueId,
};

/// Replaces the last node of each such normalisation; the others are left dead unless something else
/// reads them.
pub(super) fn join(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let matcher = Matcher { graph, producers: &producers };
        let Some(found) = matcher.affine(index) else { continue };
        let Normalisation { x, axis, epsilon, scale, bias } = found;
        let shape = graph.value(x).shape[axis..].to_vec();
        let scale = parameter(graph, scale, &shape);
        let bias = parameter(graph, bias, &shape);
        let node = &mut graph.nodes[index];
        node.operator = Operator::LayerNormalization { axis, epsilon };
        node.inputs = vec![x, scale, bias];
    }
}

struct Normalisation {
    x: ValueId,
    /// The first of the axes.
    axis: usize,
    epsilon: f32,
    scale: Vec<f32>,
    bias: Vec<f32>,
}

/// A constant of this shape.
fn parameter(graph: &mut Graph, elements: Vec<f32>, shape: &[usize]) -> ValueId {
    let tensor = HostTensor::from_f32(shape, elements);
    graph.values.push(Value {
        name: String::new(),
        element_type: tensor.element_type(),
        shape: shape.to_vec(),
        constant: Some(tensor.into()),
    });
    ValueId(graph.values.len() - 1)
}

struct Matcher<'a> {
    graph: &'a Graph,
    producers: &'a [Option<usize>],
}

impl Matcher<'_> {
    /// `unit · scale + bias`.
    fn affine(&self, index: usize) -> Option<Normalisation> {
        let (scaled, bias) = self.with_constant(&self.graph.nodes[index], Binary::Add)?;
        let (unit, scale) = self.with_constant(self.node(scaled)?, Binary::Mul)?;
        let (x, axis, epsilon) = self.unit(unit)?;
        let shape = &self.graph.value(x).shape;
        let len: usize = shape[axis..].iter().product();
        let fits = |numbers: &ValueId| {
            let own = &self.graph.value(*numbers).shape;
            // As many as there are elements, in the same order.
            let inner: usize = own.iter().product();
            inner == len
                && own
                    .iter()
                    .rev()
                    .zip(shape.iter().rev())
                    .take(shape.len() - axis)
                    .all(|(a, b)| a == b)
        };
        if !fits(&scale) || !fits(&bias) || self.graph.value(unit).shape != *shape {
            return None;
        }
        let numbers =
            |id: ValueId| Some(self.graph.value(id).constant.as_ref()?.as_f32()?.to_vec());
        Some(Normalisation { x, axis, epsilon, scale: numbers(scale)?, bias: numbers(bias)? })
    }

    /// `c / √(mean(c²) + ε)`: the operand, the first axis, and ε.
    fn unit(&self, id: ValueId) -> Option<(ValueId, usize, f32)> {
        let node = self.node(id)?;
        let (Operator::Binary(Binary::Div), [centred, deviation]) =
            (&node.operator, &node.inputs[..])
        else {
            return None;
        };
        let root =
            self.node(*deviation).filter(|it| it.operator == Operator::Unary(Unary::Sqrt))?;
        let (variance, epsilon) = self.with_constant(self.node(root.inputs[0])?, Binary::Add)?;
        let [epsilon] = *self.graph.value(epsilon).constant.as_ref()?.as_f32()? else {
            return None;
        };
        let (square, axis) = self.mean(variance)?;
        if !self.is_square(square, *centred) {
            return None;
        }
        let difference = self.node(*centred)?;
        let (Operator::Binary(Binary::Sub), [x, mean]) =
            (&difference.operator, &difference.inputs[..])
        else {
            return None;
        };
        let (averaged, own) = self.mean(*mean)?;
        (averaged == *x && own == axis).then_some((*x, axis, epsilon))
    }

    /// The operand of a mean over the innermost axes, which stay, and the first of them.
    fn mean(&self, id: ValueId) -> Option<(ValueId, usize)> {
        let node = self.node(id)?;
        let Operator::Reduce(reduce) = &node.operator else { return None };
        let rank = self.graph.value(node.inputs[0]).shape.len();
        let axis = *reduce.axes.first()?;
        let is_innermost = reduce.axes.iter().copied().eq(axis..rank);
        let is_mean = reduce.reduction == Reduction::Mean && reduce.keep_axes && is_innermost;
        is_mean.then_some((node.inputs[0], axis))
    }

    fn is_square(&self, id: ValueId, of: ValueId) -> bool {
        let Some(node) = self.node(id) else { return false };
        let [a, b] = node.inputs[..] else { return false };
        let is_two = || {
            let constant = self.graph.value(b).constant.as_ref();
            constant.and_then(|it| it.as_f32()).is_some_and(|it| it == [2.0])
        };
        match node.operator {
            Operator::Binary(Binary::Pow) => a == of && is_two(),
            Operator::Binary(Binary::Mul) => a == of && b == of,
            _ => false,
        }
    }

    /// The computed and the constant operand of a binary function that commutes.
    fn with_constant(&self, node: &Node, function: Binary) -> Option<(ValueId, ValueId)> {
        let [a, b] = node.inputs[..] else { return None };
        let is_constant = |id: ValueId| self.graph.value(id).constant.is_some();
        match node.operator == Operator::Binary(function) {
            true if is_constant(b) => Some((a, b)),
            true if is_constant(a) => Some((b, a)),
            _ => None,
        }
    }

    fn node(&self, id: ValueId) -> Option<&Node> {
        self.producers[id.0].map(|index| &self.graph.nodes[index])
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::{GraphBuilder, Reduce};

    use super::super::optimise;
    use super::*;

    fn written(axis: usize, with_power: bool) -> Graph {
        let mut builder = GraphBuilder::new("x", [1, 5, 4]);
        let x = builder.input();
        let number = |builder: &mut GraphBuilder, number: f32| {
            builder.constant("n", HostTensor::from_f32([], vec![number]))
        };
        let mean = |builder: &mut GraphBuilder, x: ValueId| {
            let reduction = Reduction::Mean;
            let reduce = Reduce { reduction, axes: vec![axis], keep_axes: true };
            builder.push("mean", Operator::Reduce(reduce), &[x]).unwrap()
        };
        let binary = |builder: &mut GraphBuilder, function, a, b| {
            builder.push("b", Operator::Binary(function), &[a, b]).unwrap()
        };
        let m = mean(&mut builder, x);
        let c = binary(&mut builder, Binary::Sub, x, m);
        let square = if with_power {
            let two = number(&mut builder, 2.0);
            binary(&mut builder, Binary::Pow, c, two)
        } else {
            binary(&mut builder, Binary::Mul, c, c)
        };
        let variance = mean(&mut builder, square);
        let epsilon = number(&mut builder, 1e-6);
        let sum = binary(&mut builder, Binary::Add, variance, epsilon);
        let root = builder.push("r", Operator::Unary(Unary::Sqrt), &[sum]).unwrap();
        let unit = binary(&mut builder, Binary::Div, c, root);
        let scale = builder.constant("s", HostTensor::from_f32([4], vec![1.0, 2.0, 3.0, 4.0]));
        let scaled = binary(&mut builder, Binary::Mul, unit, scale);
        let bias = builder.constant("b", HostTensor::from_f32([4], vec![0.5; 4]));
        let y = binary(&mut builder, Binary::Add, bias, scaled);
        optimise(builder.finish(vec![y]))
    }

    #[test]
    fn the_written_out_form_becomes_one_operator() {
        for with_power in [true, false] {
            let graph = written(2, with_power);
            let operators: Vec<_> = graph.nodes.iter().map(|node| &node.operator).collect();
            assert_eq!(operators, [&Operator::LayerNormalization { axis: 2, epsilon: 1e-6 }]);
        }
    }

    #[test]
    fn over_another_axis_it_is_another_function() {
        assert!(written(1, true).nodes.len() > 5);
    }
}
