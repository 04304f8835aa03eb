//! A matrix product of quantised rows with a constant becomes a convolution, which is computed on bytes: a row is a pixel,
//! and its elements are channels.
//!
//! ```text
//! x [R, K] ─ quantize ─ dequantize ─ matmul [K, N] ─ + [N]
//!     =
//! x ─ [1, K, R, 1] ─ quantize ─ dequantize ─ convolution [N, K, 1, 1] ─ [R, N]
//! ```

use std::collections::{HashMap, HashSet};

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{
    Activation, Binary, Convolution, Graph, Node, Operator, Padding, ValueId,
};

use super::super::byte_scale::byte_scale;
use super::{constant, push, reshape};

/// Replaces each such product.
pub(super) fn convolve(mut graph: Graph) -> Graph {
    let products = Search::new(&graph).products();
    let biases: HashSet<usize> =
        products.values().filter_map(|it| it.bias.map(|bias| bias.node)).collect();
    // By what is dequantised, its rows as pixels.
    let mut pixels = HashMap::new();
    let nodes = std::mem::take(&mut graph.nodes);
    for (index, node) in nodes.into_iter().enumerate() {
        match products.get(&index) {
            Some(product) => product.write(&mut graph, &node, &mut pixels),
            None if biases.contains(&index) => {}
            None => graph.nodes.push(node),
        }
    }
    graph
}

/// A constant that is added to each row of a product.
#[derive(Debug, Clone, Copy)]
struct Bias {
    /// The node that adds it.
    node: usize,
    numbers: ValueId,
    result: ValueId,
}

/// A product that becomes a convolution.
#[derive(Debug)]
struct Product {
    rows: usize,
    /// Of the first factor, and of the result.
    columns: [usize; 2],
    /// The first factor, and what it is quantised from, and how.
    factor: ValueId,
    numbers: ValueId,
    quantize: Activation,
    dequantize: Activation,
    bias: Option<Bias>,
}

struct Search<'a> {
    graph: &'a Graph,
    producers: Vec<Option<usize>>,
    uses: Vec<usize>,
    /// One of the nodes that read each value.
    readers: Vec<Option<usize>>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut readers = vec![None; graph.values.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|id| readers[id.0] = Some(index));
        }
        Self { graph, producers: graph.producers(), uses: graph.use_counts(), readers }
    }

    /// By node.
    fn products(&self) -> HashMap<usize, Product> {
        let product = |(index, node)| Some((index, self.product(node)?));
        self.graph.nodes.iter().enumerate().filter_map(product).collect()
    }

    fn product(&self, node: &Node) -> Option<Product> {
        if node.operator != Operator::MatMul {
            return None;
        }
        let [factor, weights] = node.inputs[..] else { return None };
        let weights = self.graph.value(weights).constant.as_ref()?;
        let [inner, columns] = *weights.shape() else { return None };
        weights.as_f32()?;
        let rows = self.graph.value(factor).shape.iter().product::<usize>() / inner.max(1);
        let (dequantize, quantised) = self.activation(factor)?;
        let (quantize, numbers) = self.activation(quantised)?;
        let is_pair = matches!(dequantize, Activation::Dequantize { .. });
        let fits =
            is_pair && byte_scale(quantize).is_some() && ![rows, inner, columns].contains(&0);
        let bias = self.bias(node.outputs[0], columns);
        let columns = [inner, columns];
        fits.then_some(Product { rows, columns, factor, numbers, quantize, dequantize, bias })
    }

    /// The function that computes a value, if only reshapes come after it, and its operand.
    fn activation(&self, mut id: ValueId) -> Option<(Activation, ValueId)> {
        loop {
            let node = &self.graph.nodes[self.producers[id.0]?];
            match node.operator {
                Operator::Activation(function) => return Some((function, node.inputs[0])),
                Operator::Reshape { .. } => id = node.inputs[0],
                _ => return None,
            }
        }
    }

    /// The constant that the only reader of a product adds to each row.
    fn bias(&self, product: ValueId, columns: usize) -> Option<Bias> {
        let index = self.readers[product.0].filter(|_| self.uses[product.0] == 1)?;
        let node = &self.graph.nodes[index];
        let [a, b] = node.inputs[..] else { return None };
        let numbers = if a == product { b } else { a };
        let constant = self.graph.value(numbers).constant.as_ref()?;
        let is_row = constant.shape().last() == Some(&columns)
            && constant.as_f32().is_some_and(|numbers| numbers.len() == columns);
        let result = node.outputs[0];
        let adds = node.operator == Operator::Binary(Binary::Add)
            && self.graph.value(result).shape == self.graph.value(product).shape;
        (is_row && adds).then_some(Bias { node: index, numbers, result })
    }
}

impl Product {
    fn write(&self, graph: &mut Graph, node: &Node, pixels: &mut HashMap<ValueId, ValueId>) {
        let Self { rows, columns: [inner, columns], .. } = *self;
        let name = &node.name;
        let x = match pixels.get(&self.factor) {
            Some(x) => *x,
            None => {
                let x = turned(graph, name, self.numbers, [rows, inner]);
                let shape = vec![1, inner, rows, 1];
                let x = push(graph, name, Operator::Activation(self.quantize), &[x], shape.clone());
                let x = push(graph, name, Operator::Activation(self.dequantize), &[x], shape);
                pixels.insert(self.factor, x);
                x
            }
        };
        let weights = filters(graph, node.inputs[1], [inner, columns]);
        let mut inputs = vec![x, constant(graph, "", weights)];
        inputs.extend(self.bias.map(|bias| bias.numbers));
        if let Some(bias) = inputs.get_mut(2) {
            *bias = flat(graph, *bias);
        }
        let convolution = Operator::Convolution(Convolution {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: 1,
            activation: None,
        });
        let mut value = push(graph, name, convolution, &inputs, vec![1, columns, rows, 1]);
        if rows > 1 {
            let transpose = Operator::Transpose { permutation: vec![0, 2, 1, 3] };
            value = push(graph, name, transpose, &[value], vec![1, rows, columns, 1]);
        }
        let result = self.bias.map_or(node.outputs[0], |bias| bias.result);
        let shape = graph.value(result).shape.clone();
        graph.nodes.push(Node {
            name: name.clone(),
            operator: reshape(&shape),
            inputs: vec![value],
            outputs: vec![result],
        });
    }
}

/// Rows as pixels, and their elements as channels.
fn turned(graph: &mut Graph, name: &str, x: ValueId, [rows, inner]: [usize; 2]) -> ValueId {
    if rows == 1 {
        let shape = vec![1, inner, 1, 1];
        return push(graph, name, reshape(&shape), &[x], shape);
    }
    let shape = vec![1, rows, inner, 1];
    let x = push(graph, name, reshape(&shape), &[x], shape);
    let transpose = Operator::Transpose { permutation: vec![0, 2, 1, 3] };
    push(graph, name, transpose, &[x], vec![1, inner, rows, 1])
}

/// The columns of a matrix as filters.
fn filters(graph: &Graph, matrix: ValueId, [inner, columns]: [usize; 2]) -> HostTensor {
    let constant = graph.value(matrix).constant.as_ref();
    let elements = constant.and_then(|it| it.as_f32()).unwrap_or_default();
    let turned =
        (0..inner * columns).map(|at| elements[at % inner * columns + at / inner]).collect();
    HostTensor::from_f32([columns, inner, 1, 1], turned)
}

/// The numbers of a constant in one axis.
fn flat(graph: &mut Graph, numbers: ValueId) -> ValueId {
    let elements =
        graph.value(numbers).constant.as_ref().and_then(|it| it.as_f32()).unwrap_or_default();
    let flat = HostTensor::from_f32([elements.len()], elements.to_vec());
    constant(graph, "", flat)
}
