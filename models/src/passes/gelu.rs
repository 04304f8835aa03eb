//! Joins what exporters write for GELU into one activation: the exact form with the error function, and the
//! approximation with the hyperbolic tangent.
//!
//! Both are a product of `x`, a half, and `1 + f(u)`, in any order, where `u` is a polynomial of `x`:
//!
//! ```text
//! exact          f = erf     u = x / √2
//! approximate    f = tanh    u = √(2/π) · (x + 0.044715 x³)
//! ```

use framegate_backend_api::graph::{Activation, Binary, Graph, Operator, Unary, ValueId};

/// Coefficients of a polynomial, the constant first.
type Polynomial = [f64; 4];

/// How many operators deep a polynomial is followed.
const DEPTH: usize = 6;

/// The largest relative error of a coefficient.
const TOLERANCE: f64 = 1e-4;

/// Replaces the last node of each GELU by the activation; the others are left dead unless something else
/// reads them.
pub(super) fn join(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let matcher = Matcher { graph, producers: &producers };
        let result = graph.nodes[index].outputs[0];
        let same_shape = |x: ValueId| graph.value(x).shape == graph.value(result).shape;
        if let Some((approximate, x)) = matcher.gelu(index).filter(|(_, x)| same_shape(*x)) {
            let node = &mut graph.nodes[index];
            node.operator = Operator::Activation(Activation::Gelu { approximate });
            node.inputs = vec![x];
        }
    }
}

struct Matcher<'a> {
    graph: &'a Graph,
    producers: &'a [Option<usize>],
}

impl Matcher<'_> {
    /// Whether the GELU that a node finishes is the approximation, and its operand.
    fn gelu(&self, index: usize) -> Option<(bool, ValueId)> {
        let node = &self.graph.nodes[index];
        if !matches!(node.operator, Operator::Binary(Binary::Mul | Binary::Div)) {
            return None;
        }
        let (mut number, mut factors) = (1.0, Vec::new());
        self.factors(node.outputs[0], 2, &mut number, &mut factors);
        let [a, b] = factors[..] else { return None };
        if !is_near(number, 0.5) {
            return None;
        }
        [(a, b), (b, a)].into_iter().find_map(|(x, gate)| {
            let (function, operand) = self.one_plus(gate)?;
            let u = self.polynomial(operand, x, DEPTH)?;
            let cubic = (2.0 / std::f64::consts::PI).sqrt();
            let (expected, approximate) = match function {
                Operator::Unary(Unary::Erf) => ([0.0, 0.5_f64.sqrt(), 0.0, 0.0], false),
                _ => ([0.0, cubic, 0.0, cubic * 0.044715], true),
            };
            let agrees = u.iter().zip(expected).all(|(found, expected)| is_near(*found, expected));
            agrees.then_some((approximate, x))
        })
    }

    /// The number and the other factors that a product is made of.
    fn factors(&self, id: ValueId, depth: usize, number: &mut f64, factors: &mut Vec<ValueId>) {
        let node = self.producers[id.0].map(|index| &self.graph.nodes[index]);
        match node.map(|node| (&node.operator, &node.inputs[..])) {
            _ if self.number(id).is_some() => *number *= self.number(id).unwrap_or(1.0),
            Some((Operator::Binary(Binary::Mul), [a, b])) if depth > 0 => {
                self.factors(*a, depth - 1, number, factors);
                self.factors(*b, depth - 1, number, factors);
            }
            Some((Operator::Binary(Binary::Div), [a, b]))
                if depth > 0 && self.number(*b).is_some() =>
            {
                *number /= self.number(*b).unwrap_or(1.0);
                self.factors(*a, depth - 1, number, factors);
            }
            _ => factors.push(id),
        }
    }

    /// The function and its operand in `1 + f(u)`.
    fn one_plus(&self, id: ValueId) -> Option<(Operator, ValueId)> {
        let sum = &self.graph.nodes[self.producers[id.0]?];
        let (Operator::Binary(Binary::Add), [a, b]) = (&sum.operator, &sum.inputs[..]) else {
            return None;
        };
        let is_one = |id: ValueId| self.number(id) == Some(1.0);
        let function = if is_one(*a) { *b } else { Some(*a).filter(|_| is_one(*b))? };
        let node = &self.graph.nodes[self.producers[function.0]?];
        match node.operator {
            Operator::Unary(Unary::Erf) | Operator::Activation(Activation::Tanh) => {
                Some((node.operator.clone(), node.inputs[0]))
            }
            _ => None,
        }
    }

    /// A value as a polynomial of `x`.
    fn polynomial(&self, id: ValueId, x: ValueId, depth: usize) -> Option<Polynomial> {
        if id == x {
            return Some([0.0, 1.0, 0.0, 0.0]);
        }
        if let Some(number) = self.number(id) {
            return Some([number, 0.0, 0.0, 0.0]);
        }
        let node = &self.graph.nodes[self.producers[id.0]?];
        let Operator::Binary(function) = node.operator else { return None };
        let depth = depth.checked_sub(1)?;
        let [a, b] = [node.inputs[0], node.inputs[1]];
        let left = self.polynomial(a, x, depth)?;
        match function {
            Binary::Add => {
                let right = self.polynomial(b, x, depth)?;
                Some(std::array::from_fn(|power| left[power] + right[power]))
            }
            Binary::Mul => product(&left, &self.polynomial(b, x, depth)?),
            Binary::Div => {
                let divisor = self.number(b)?;
                Some(left.map(|coefficient| coefficient / divisor))
            }
            Binary::Pow => {
                let power = [2.0, 3.0].into_iter().find(|power| self.number(b) == Some(*power))?;
                let square = product(&left, &left)?;
                if power == 2.0 { Some(square) } else { product(&square, &left) }
            }
            _ => None,
        }
    }

    fn number(&self, id: ValueId) -> Option<f64> {
        match self.graph.value(id).constant.as_ref()?.as_f32()? {
            [number] => Some(f64::from(*number)),
            _ => None,
        }
    }
}

/// `None` if the product has a higher power than three.
fn product(a: &Polynomial, b: &Polynomial) -> Option<Polynomial> {
    let mut product = [0.0; 4];
    for (i, a) in a.iter().enumerate() {
        for (j, b) in b.iter().enumerate() {
            match product.get_mut(i + j) {
                Some(sum) => *sum += a * b,
                None if a * b == 0.0 => {}
                None => return None,
            }
        }
    }
    Some(product)
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * b.abs()
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::GraphBuilder;

    use super::super::optimise;
    use super::*;

    struct Written {
        builder: GraphBuilder,
    }

    impl Written {
        fn new() -> Self {
            Self { builder: GraphBuilder::new("x", [1, 2, 3]) }
        }

        fn binary(&mut self, function: Binary, a: ValueId, b: ValueId) -> ValueId {
            self.builder.push("b", Operator::Binary(function), &[a, b]).unwrap()
        }

        fn number(&mut self, number: f32) -> ValueId {
            self.builder.constant("n", HostTensor::from_f32([], vec![number]))
        }

        /// `operand · number`.
        fn times(&mut self, a: ValueId, number: f32) -> ValueId {
            let number = self.number(number);
            self.binary(Binary::Mul, a, number)
        }

        fn one_plus(&mut self, operator: Operator, u: ValueId) -> ValueId {
            let function = self.builder.push("f", operator, &[u]).unwrap();
            let one = self.number(1.0);
            self.binary(Binary::Add, function, one)
        }

        fn operators(self, result: ValueId) -> Vec<Operator> {
            let graph = optimise(self.builder.finish(vec![result]));
            graph.nodes.into_iter().map(|node| node.operator).collect()
        }
    }

    fn gelu(approximate: bool) -> Vec<Operator> {
        vec![Operator::Activation(Activation::Gelu { approximate })]
    }

    #[test]
    fn the_exact_form_in_the_orders_in_which_it_is_written() {
        for order in 0..3 {
            let mut w = Written::new();
            let x = w.builder.input();
            let root = w.number(2_f32.sqrt());
            let u = match order {
                0 => w.binary(Binary::Div, x, root),
                _ => w.times(x, 0.5_f32.sqrt()),
            };
            let gate = w.one_plus(Operator::Unary(Unary::Erf), u);
            let y = match order {
                0 => {
                    let gated = w.binary(Binary::Mul, x, gate);
                    w.times(gated, 0.5)
                }
                1 => {
                    let half = w.times(x, 0.5);
                    w.binary(Binary::Mul, half, gate)
                }
                _ => {
                    let half = w.times(gate, 0.5);
                    w.binary(Binary::Mul, half, x)
                }
            };
            assert_eq!(w.operators(y), gelu(false), "{order}");
        }
    }

    #[test]
    fn the_approximation_with_a_power_or_with_products() {
        for with_power in [true, false] {
            let mut w = Written::new();
            let x = w.builder.input();
            let cube = if with_power {
                let three = w.number(3.0);
                w.binary(Binary::Pow, x, three)
            } else {
                let square = w.binary(Binary::Mul, x, x);
                w.binary(Binary::Mul, square, x)
            };
            let cubic = w.times(cube, 0.044715);
            let sum = w.binary(Binary::Add, x, cubic);
            let u = w.times(sum, 0.797_884_6);
            let gate = w.one_plus(Operator::Activation(Activation::Tanh), u);
            let half = w.times(x, 0.5);
            let y = w.binary(Binary::Mul, half, gate);
            assert_eq!(w.operators(y), gelu(true));
        }
    }

    #[test]
    fn another_scale_is_another_function() {
        let mut w = Written::new();
        let x = w.builder.input();
        let u = w.times(x, 0.8);
        let gate = w.one_plus(Operator::Unary(Unary::Erf), u);
        let half = w.times(x, 0.5);
        let y = w.binary(Binary::Mul, half, gate);
        assert_eq!(w.operators(y).len(), 5);
    }
}
