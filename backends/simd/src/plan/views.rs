//! Feature maps that are only transposed, reshaped or joined before they are read row-major: each is
//! unpacked right to where its elements end up.

use framegate_backend_api::graph::{Graph, Operator, ValueId};

use super::classify::Lowering;
use crate::kernels::layout::Strides;

/// What becomes of a node that only changes the layout of elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LayoutOp {
    /// It is lowered as it is.
    Kept,
    /// It becomes part of a later node.
    Fused,
    /// Its result is gathered from channel-blocked feature maps.
    Gather(Vec<Source>),
}

/// A blocked feature map, and where its elements go in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) value: ValueId,
    pub(crate) strides: Strides,
}

/// What becomes of each node, by node.
pub(crate) fn layout_ops(graph: &Graph, lowerings: &[Lowering]) -> Vec<LayoutOp> {
    let search =
        Search { graph, lowerings, uses: graph.use_counts(), producers: graph.producers() };
    let mut layout_ops = vec![LayoutOp::Kept; graph.nodes.len()];
    // From the back, so that the last of several such nodes is the one that gathers.
    for index in (0..graph.nodes.len()).rev() {
        let node = &graph.nodes[index];
        if layout_ops[index] != LayoutOp::Kept || !search.moves(index) {
            continue;
        }
        let result = node.outputs[0];
        let shape = &graph.value(result).shape;
        let strides = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        let mut found = Found::default();
        if search.follow(index, Region { start: 0, strides }, &mut found).is_some() {
            found.nodes.iter().for_each(|inner| layout_ops[*inner] = LayoutOp::Fused);
            layout_ops[index] = LayoutOp::Gather(found.sources);
        }
    }
    layout_ops
}

/// Where the elements of a value go in the result.
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
    lowerings: &'a [Lowering],
    uses: Vec<usize>,
    producers: Vec<Option<usize>>,
}

impl Search<'_> {
    fn moves(&self, index: usize) -> bool {
        let operator = &self.graph.nodes[index].operator;
        self.lowerings[index] == Lowering::Scalar
            && matches!(
                operator,
                Operator::Reshape { .. } | Operator::Transpose { .. } | Operator::Concat { .. }
            )
    }

    /// Finds what the result of such a node is made of. `None` if it is not made of blocked feature
    /// maps alone.
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
                let signed: Vec<isize> = region.strides.iter().map(|it| *it as isize).collect();
                let strides = reshaped(from, to, &signed)?;
                let strides = strides.into_iter().map(|stride| stride as usize).collect();
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
        if self.lowerings[producer] != Lowering::Scalar {
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

/// The strides with which a walk over shape `from` visits the same elements in the same order as a
/// walk over shape `to` with `strides`. `None` if an axis of `from` joins several axes of `to` that
/// are not contiguous.
///
/// A detection head of 5 channels on 3×4 pixels is reshaped from `[1, 5, 3, 4]` to `[1, 5, 12]` and
/// transposed to `[1, 12, 5]`. In the result, the reshaped value has the strides `[60, 1, 5]`:
/// neighbouring channels are next to each other, neighbouring pixels 5 elements apart. The pixels
/// split into rows and columns, innermost axis first:
///
/// ```text
/// from:     1     5     3     4
/// to:       1     5     └─12──┘      12 pixels, 5 apart = 4 columns, 5 apart, in 3 rows, 4 · 5 apart
/// result:   0     1    20     5
/// ```
///
/// In the other direction, `[6]` from `[2, 3]` works for the strides `[3, 1]`, whose outer axis
/// continues where the inner one ends, and not for `[1, 2]`.
pub(super) fn reshaped(from: &[usize], to: &[usize], strides: &[isize]) -> Option<Vec<isize>> {
    if from.contains(&0) {
        return None;
    }
    let mut result = vec![0; from.len()];
    // The axes of `to`, from the innermost one outwards. `left` is what the current one has not given
    // to an axis of `from` yet, and `stride` where that continues.
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
            let end = stride * left as isize;
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
        stride *= wanted as isize;
    }
    Some(result)
}

/// Elements between neighbours along each axis of a row-major tensor.
pub(super) fn row_major_strides(shape: &[usize]) -> Vec<isize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product::<usize>() as isize).collect()
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
