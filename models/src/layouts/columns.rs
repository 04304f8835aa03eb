//! Evidence from the graph: which columns of an output come out of a sigmoid or a softmax, and so hold
//! scores.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Activation, Binary, Graph, Operator, Unary, ValueId};

/// Most values that are looked at for one output: real files need a few dozen.
const MAX_VISITS: usize = 4096;

/// For each element along `axis` of `output`, whether it is a score; `None` where the graph shows no
/// score at all, which says nothing.
pub(super) fn score_columns(graph: &Graph, output: ValueId, axis: usize) -> Option<Vec<bool>> {
    let mut walk = Walk { graph, producers: graph.producers(), visits: 0 };
    let columns = walk.columns(output, axis);
    columns.contains(&true).then_some(columns)
}

/// The value that holds a column of an output `[1, N, K]` or `[N, K]`: alone, as the file puts it beside others there, or
/// a constant or whole numbers that hold others too.
pub(super) fn source_of_column(
    graph: &Graph,
    output: ValueId,
    mut column: usize,
) -> Option<ValueId> {
    let producers = graph.producers();
    let width = |part: ValueId| graph.value(part).shape.last().copied();
    let mut value = output;
    while width(value)? > 1 && graph.value(value).constant.is_none() {
        let node = &graph.nodes[producers[value.0]?];
        match &node.operator {
            Operator::Concat { axis } if *axis + 1 == graph.value(value).shape.len() => {
                let mut parts = node.inputs.iter().copied();
                value = loop {
                    let part = parts.next()?;
                    let width = width(part)?;
                    if column < width {
                        break part;
                    }
                    column -= width;
                };
            }
            Operator::Cast(_) if graph.value(node.inputs[0]).element_type == ElementType::I64 => {
                return Some(value);
            }
            Operator::Slice(slices) => {
                let slice = slices.last().filter(|slice| slice.step == 1)?;
                column += slice.start;
                value = node.inputs[0];
            }
            operator => {
                let operand = moved(graph, operator, &node.inputs)?;
                value = Some(operand).filter(|operand| width(*operand) == width(value))?;
            }
        }
    }
    Some(value)
}

/// The operand of which an operator picks or moves whole rows, or replaces those that do not count.
fn moved(graph: &Graph, operator: &Operator, inputs: &[ValueId]) -> Option<ValueId> {
    let operand = *inputs.first()?;
    let rank = graph.value(operand).shape.len();
    match operator {
        Operator::Reshape { .. } | Operator::Cast(_) => Some(operand),
        Operator::Gather { axis } if *axis + 1 < rank => Some(operand),
        Operator::Where => inputs.get(1).copied(),
        _ => None,
    }
}

/// Whether a value holds integers that were made floats and have at most been moved since.
pub(super) fn comes_from_integers(graph: &Graph, mut value: ValueId) -> bool {
    let producers = graph.producers();
    while let Some(producer) = producers[value.0] {
        let node = &graph.nodes[producer];
        if let Operator::Cast(_) = node.operator {
            return graph.value(node.inputs[0]).element_type == ElementType::I64;
        }
        match (moved(graph, &node.operator, &node.inputs), &node.operator) {
            (Some(operand), _) => value = operand,
            (None, Operator::Slice(_) | Operator::Gather { .. }) => value = node.inputs[0],
            _ => return false,
        }
    }
    false
}

struct Walk<'a> {
    graph: &'a Graph,
    producers: Vec<Option<usize>>,
    visits: usize,
}

impl Walk<'_> {
    fn columns(&mut self, value: ValueId, axis: usize) -> Vec<bool> {
        let shape = &self.graph.value(value).shape;
        let Some(&extent) = shape.get(axis) else { return Vec::new() };
        let neither = vec![false; extent];
        self.visits += 1;
        let Some(producer) = self.producers[value.0].filter(|_| self.visits <= MAX_VISITS) else {
            return neither;
        };
        let node = &self.graph.nodes[producer];
        let operand = node.inputs.first().copied();
        let columns = match (&node.operator, operand) {
            (
                Operator::Activation(Activation::Sigmoid | Activation::HardSigmoid { .. })
                | Operator::Softmax { .. },
                _,
            ) => vec![true; extent],
            (Operator::Convolution(convolution), _) => {
                vec![convolution.activation == Some(Activation::Sigmoid); extent]
            }
            (Operator::Concat { axis: along }, _) if *along == axis => {
                let parts = node.inputs.iter().map(|part| self.columns(*part, axis));
                parts.collect::<Vec<_>>().concat()
            }
            (Operator::Concat { .. }, _) => self.all(&node.inputs, axis),
            // Objectness × class, for instance.
            (Operator::Binary(Binary::Mul), _) => self.all(&node.inputs, axis),
            // The square root of a score is one.
            (Operator::Cast(_) | Operator::Unary(Unary::Sqrt), Some(operand)) => {
                self.columns(operand, axis)
            }
            (Operator::Transpose { permutation }, Some(operand)) => {
                self.columns(operand, permutation[axis])
            }
            (Operator::Reshape { .. }, Some(operand)) => {
                match kept_axis(shape, axis, &self.graph.value(operand).shape) {
                    Some(axis) => self.columns(operand, axis),
                    None => {
                        let last = self.graph.value(operand).shape.len().saturating_sub(1);
                        let whole = self.columns(operand, last);
                        vec![!whole.is_empty() && whole.iter().all(|is_score| *is_score); extent]
                    }
                }
            }
            (Operator::Slice(slices), Some(operand)) => {
                let all = self.columns(operand, axis);
                let slice = &slices[axis];
                let at = |index: usize| slice.start as isize + slice.step * index as isize;
                let kept = (0..slice.len).map(|index| usize::try_from(at(index)).ok());
                kept.map(|index| index.and_then(|index| all.get(index)) == Some(&true)).collect()
            }
            (
                Operator::Gather { axis: along } | Operator::GatherElements { axis: along },
                Some(operand),
            ) if *along != axis && self.graph.value(operand).shape.len() == shape.len() => {
                self.columns(operand, axis)
            }
            // Columns in another order, or some of them.
            (Operator::Gather { axis: along }, Some(operand))
                if *along == axis && self.graph.value(operand).shape.len() == shape.len() =>
            {
                let all = self.columns(operand, axis);
                vec![!all.is_empty() && all.iter().all(|is_score| *is_score); extent]
            }
            _ => return neither,
        };
        if columns.len() == extent { columns } else { neither }
    }

    /// Columns that hold scores in every operand; an operand of extent 1 is broadcast.
    fn all(&mut self, operands: &[ValueId], axis: usize) -> Vec<bool> {
        let parts: Vec<Vec<bool>> =
            operands.iter().map(|operand| self.columns(*operand, axis)).collect();
        let extent = parts.iter().map(Vec::len).max().unwrap_or(0);
        let is_score = |part: &Vec<bool>, column: usize| match part.len() {
            1 => part[0],
            _ => part.get(column) == Some(&true),
        };
        (0..extent).map(|column| parts.iter().all(|part| is_score(part, column))).collect()
    }
}

/// The axis of `before` that a reshape keeps as `axis` of `after`: as long, and with as much before it.
fn kept_axis(after: &[usize], axis: usize, before: &[usize]) -> Option<usize> {
    let outer = |shape: &[usize], axis: usize| shape[..axis].iter().product::<usize>();
    (0..before.len()).find(|candidate| {
        before[*candidate] == after[axis] && outer(before, *candidate) == outer(after, axis)
    })
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{AxisSlice, GraphBuilder};

    use super::*;

    #[test]
    fn scores_stay_scores_in_another_order_and_under_a_root() {
        let mut builder = GraphBuilder::new("image", [1, 6, 4]);
        let input = builder.input();
        let sigmoid = Operator::Activation(Activation::Sigmoid);
        let scores = builder.push("scores", sigmoid, &[input]).unwrap();
        let root = builder.push("root", Operator::Unary(Unary::Sqrt), &[scores]).unwrap();
        let order = builder.constant("order", HostTensor::from_i64([2], vec![3, 1]));
        let gather = Operator::Gather { axis: 2 };
        let some = builder.push("some", gather.clone(), &[root, order]).unwrap();
        let none = builder.push("none", gather, &[input, order]).unwrap();
        let graph = builder.finish(vec![some, none]);
        assert_eq!(score_columns(&graph, some, 2), Some(vec![true, true]));
        assert_eq!(score_columns(&graph, none, 2), None);
    }

    #[test]
    fn scores_are_found_through_moves_and_joins() {
        // Eight channels: four of boxes, two through a sigmoid, two of something else.
        let mut builder = GraphBuilder::new("image", [1, 8, 2, 3]);
        let input = builder.input();
        let channels = |builder: &mut GraphBuilder, name: &str, start, len| {
            let slices = [(0, 1), (start, len), (0, 2), (0, 3)].map(|(start, len)| AxisSlice {
                start,
                step: 1,
                len,
            });
            builder.push(name, Operator::Slice(slices.to_vec()), &[input]).unwrap()
        };
        let boxes = channels(&mut builder, "boxes", 0, 4);
        let logits = channels(&mut builder, "logits", 4, 2);
        let rest = channels(&mut builder, "rest", 6, 2);
        let sigmoid = Operator::Activation(Activation::Sigmoid);
        let scores = builder.push("scores", sigmoid, &[logits]).unwrap();
        let joined =
            builder.push("joined", Operator::Concat { axis: 1 }, &[boxes, scores, rest]).unwrap();
        let flat = Operator::Reshape { shape: vec![1, 8, 6] };
        let flat = builder.push("flat", flat, &[joined]).unwrap();
        let rows = Operator::Transpose { permutation: vec![0, 2, 1] };
        let rows = builder.push("rows", rows, &[flat]).unwrap();
        let part = [(0, 1), (0, 6), (3, 4)].map(|(start, len)| AxisSlice { start, step: 1, len });
        let part = builder.push("part", Operator::Slice(part.to_vec()), &[rows]).unwrap();
        let factor = builder.constant("two", HostTensor::from_f32([1], vec![2.0]));
        let scaled =
            builder.push("scaled", Operator::Binary(Binary::Mul), &[rows, factor]).unwrap();
        let graph = builder.finish(vec![flat, rows, part, scaled]);
        let (no, yes) = (false, true);
        let expected = vec![no, no, no, no, yes, yes, no, no];
        assert_eq!(score_columns(&graph, flat, 1), Some(expected.clone()));
        assert_eq!(score_columns(&graph, rows, 2), Some(expected));
        assert_eq!(score_columns(&graph, part, 2), Some(vec![no, yes, yes, no]));
        assert_eq!(score_columns(&graph, scaled, 2), None, "twice a score is not a score");
        assert_eq!(score_columns(&graph, boxes, 1), None);
    }
}
