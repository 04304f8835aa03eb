//! Pictures that are only moved before they are read again in row-major order: each is written, in
//! the order in which it comes out of its kernel, right where it ends up.

use framegate_backend_api::graph::{Graph, Operator, ValueId};

use super::classify::Kind;
use super::fuse::producers;
use crate::kernels::layout::Strides;

/// What becomes of a node that moves elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Movement {
    /// It runs as it stands.
    Usual,
    /// It is a part of one further on.
    Absorbed,
    /// Its result is gathered from blocked pictures.
    Gather(Vec<Source>),
}

/// A blocked picture, and where in the result its elements go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) value: ValueId,
    pub(crate) strides: Strides,
}

/// What becomes of each node.
pub(crate) fn movements(graph: &Graph, kinds: &[Kind]) -> Vec<Movement> {
    let search = Search { graph, kinds, uses: graph.use_counts(), producers: producers(graph) };
    let mut movements = vec![Movement::Usual; graph.nodes.len()];
    // From the back, so that the last of several movements gathers.
    for index in (0..graph.nodes.len()).rev() {
        let node = &graph.nodes[index];
        if movements[index] != Movement::Usual || !search.moves(index) {
            continue;
        }
        let result = node.outputs[0];
        let shape = &graph.value(result).shape;
        let strides = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        let mut found = Found::default();
        if search.follow(index, Region { start: 0, strides }, &mut found).is_some() {
            found.nodes.iter().for_each(|inner| movements[*inner] = Movement::Absorbed);
            movements[index] = Movement::Gather(found.sources);
        }
    }
    movements
}

/// Where the elements of a value go.
#[derive(Debug, Clone)]
struct Region {
    start: usize,
    /// By axis.
    strides: Vec<usize>,
}

#[derive(Debug, Default)]
struct Found {
    sources: Vec<Source>,
    nodes: Vec<usize>,
}

struct Search<'a> {
    graph: &'a Graph,
    kinds: &'a [Kind],
    uses: Vec<usize>,
    producers: Vec<Option<usize>>,
}

impl Search<'_> {
    fn moves(&self, index: usize) -> bool {
        let operator = &self.graph.nodes[index].operator;
        self.kinds[index] == Kind::Plain
            && matches!(
                operator,
                Operator::Reshape { .. } | Operator::Transpose { .. } | Operator::Concat { .. }
            )
    }

    /// Finds what the result of a moving node is made of; `None` if not of blocked pictures alone.
    fn follow(&self, index: usize, region: Region, found: &mut Found) -> Option<()> {
        let node = &self.graph.nodes[index];
        let shape = |id: ValueId| &self.graph.value(id).shape;
        match &node.operator {
            Operator::Transpose { permutation } => {
                let mut strides = vec![0; permutation.len()];
                for (stride, axis) in region.strides.iter().zip(permutation) {
                    strides[*axis] = *stride;
                }
                self.operand(node.inputs[0], Region { strides, ..region }, found)
            }
            Operator::Reshape { .. } => {
                let (from, to) = (shape(node.inputs[0]), shape(node.outputs[0]));
                let strides = reshaped(from, to, &region.strides)?;
                self.operand(node.inputs[0], Region { strides, ..region }, found)
            }
            Operator::Concat { axis } => {
                let mut start = region.start;
                for id in &node.inputs {
                    let strides = region.strides.clone();
                    self.operand(*id, Region { start, strides }, found)?;
                    start += shape(*id)[*axis] * region.strides[*axis];
                }
                Some(())
            }
            _ => None,
        }
    }

    fn operand(&self, id: ValueId, region: Region, found: &mut Found) -> Option<()> {
        let producer = self.producers[id.0]?;
        if self.kinds[producer] != Kind::Plain {
            let [_, channel, row, column] = region.strides[..] else { return None };
            let strides = Strides { start: region.start, channel, row, column };
            found.sources.push(Source { value: id, strides });
            return Some(());
        }
        if self.uses[id.0] != 1 || !self.moves(producer) {
            return None;
        }
        found.nodes.push(producer);
        self.follow(producer, region, found)
    }
}

/// Strides over shape `from` that visit the same elements in the same order as `strides` over `to`.
/// `None` where several axes of `to` that are not neighbours in memory make one of `from`.
fn reshaped(from: &[usize], to: &[usize], strides: &[usize]) -> Option<Vec<usize>> {
    if from.contains(&0) {
        return None;
    }
    let mut result = vec![0; from.len()];
    // From the innermost axis outwards: what is left of an axis of `to`, and where it continues.
    let mut rest = to.iter().zip(strides).rev().filter(|(extent, _)| **extent != 1);
    let (mut left, mut stride) = (1, 0);
    for (extent, result) in from.iter().zip(&mut result).rev() {
        let mut wanted = *extent;
        if wanted == 1 {
            continue;
        }
        if left == 1 {
            let (next, next_stride) = rest.next()?;
            (left, stride) = (*next, *next_stride);
        }
        *result = stride;
        while wanted > left {
            if wanted % left != 0 {
                return None;
            }
            let end = stride * left;
            wanted /= left;
            let (next, next_stride) = rest.next()?;
            (left, stride) = (*next, *next_stride);
            if stride != end {
                return None;
            }
        }
        if left % wanted != 0 {
            return None;
        }
        left /= wanted;
        stride *= wanted;
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_split_and_merged() {
        assert_eq!(reshaped(&[1, 5, 3, 4], &[1, 5, 12], &[60, 1, 5]), Some(vec![0, 1, 20, 5]));
        assert_eq!(reshaped(&[6, 2], &[2, 3, 2], &[6, 2, 1]), Some(vec![2, 1]));
        assert_eq!(reshaped(&[6], &[2, 3], &[1, 2]), None, "columns first");
    }
}
