//! Nodes that have kernels for row-major tensors, bound to their buffers.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{AxisSlice, Binary, Node, Operator, Value};

use super::assemble::Assembly;
use crate::kernels::{activation, elementwise};
use crate::steps::{
    Activate, Combine, MOST_AXES, MatMul, Other, Softmax, StridedAxis, StridedCopy,
};

impl Assembly<'_> {
    /// Binds a node, if it has a kernel; says whether it has.
    pub(super) fn row_major_node(&mut self, node: &Node) -> bool {
        let (level, threads, result) = (self.level, self.threads, node.outputs[0]);
        let operands: Vec<&Value> = node.inputs.iter().map(|id| self.graph.value(*id)).collect();
        let results = self.graph.value(result);
        let len: usize = results.shape.iter().product();
        let floats = operands.iter().all(|operand| operand.element_type == ElementType::F32);
        if len < level.lanes() || !floats || results.element_type != ElementType::F32 {
            return false;
        }
        let shape = &operands[0].shape;
        match &node.operator {
            Operator::Activation(function) if activation::is_vectorised(*function) => {
                let [source, target] = [self.plain(node.inputs[0]), self.new_plain(result)];
                let step = Activate::new(level, threads, *function, len, [source, target]);
                self.push(&node.name, "activation", 0, step, vec![source], vec![target]);
            }
            Operator::Binary(function) if elementwise::is_vectorised(*function) => {
                return self.function_of_two(node, *function, len);
            }
            Operator::Softmax { axis } if Softmax::fits(level, *axis, shape) => {
                let [source, target] = [self.plain(node.inputs[0]), self.new_plain(result)];
                let step = Softmax::new(level, threads, *axis, shape, [source, target]);
                self.push(&node.name, "softmax", 0, step, vec![source], vec![target]);
            }
            Operator::MatMul if MatMul::fits(level, &operands[1].shape) => {
                let sources = [self.plain(node.inputs[0]), self.plain(node.inputs[1])];
                let target = self.new_plain(result);
                let shapes = [&operands[0].shape[..], &operands[1].shape];
                let step = MatMul::new(level, threads, shapes, sources, target);
                let multiply_adds = step.multiply_adds();
                let kernel = "matrix product";
                self.push(&node.name, kernel, multiply_adds, step, sources.to_vec(), vec![target]);
            }
            Operator::Transpose { permutation } => {
                let axis = |source: &usize| StridedAxis {
                    extent: shape[*source],
                    stride: stride(shape, *source),
                };
                let axes: Vec<StridedAxis> = permutation.iter().map(axis).collect();
                return self.strided_copy(node, 0, &axes);
            }
            Operator::Slice(slices) => {
                let strides = (0..shape.len()).map(|axis| stride(shape, axis));
                let own = || slices.iter().zip(strides.clone());
                let start = own().map(|(slice, stride)| slice.start * stride as usize).sum();
                let axis = |(slice, stride): (&AxisSlice, isize)| StridedAxis {
                    extent: slice.len,
                    stride: slice.step * stride,
                };
                let axes: Vec<StridedAxis> = own().map(axis).collect();
                return self.strided_copy(node, start, &axes);
            }
            _ => return false,
        }
        true
    }

    /// Of two tensors of one shape, or of a tensor and a constant number.
    fn function_of_two(&mut self, node: &Node, function: Binary, len: usize) -> bool {
        let graph = self.graph;
        let [a, b] = node.inputs[..] else { return false };
        let result = node.outputs[0];
        let has_shape = |id| graph.value(id).shape == graph.value(result).shape;
        let number = |id| match graph.value(id).constant.as_ref()?.as_f32()? {
            [number] => Some(*number),
            _ => None,
        };
        let (level, threads) = (self.level, self.threads);
        let (source, other, reads) = match (number(a), number(b)) {
            (_, Some(number)) if has_shape(a) => {
                let source = self.plain(a);
                (source, Other::Number(number), vec![source])
            }
            (Some(number), _) if has_shape(b) && function != Binary::Sub => {
                let source = self.plain(b);
                (source, Other::Number(number), vec![source])
            }
            _ if has_shape(a) && has_shape(b) => {
                let [a, b] = [self.plain(a), self.plain(b)];
                (a, Other::Tensor(b), vec![a, b])
            }
            _ => return false,
        };
        let target = self.new_plain(result);
        let step = Combine::new(level, threads, function, len, source, other, target);
        self.push(&node.name, "elementwise", 0, step, reads, vec![target]);
        true
    }

    fn strided_copy(&mut self, node: &Node, start: usize, axes: &[StridedAxis]) -> bool {
        if axes.len() > MOST_AXES {
            return false;
        }
        let [source, target] = [self.plain(node.inputs[0]), self.new_plain(node.outputs[0])];
        let step = StridedCopy::new(self.threads, start, axes, [source, target]);
        self.push(&node.name, "strided copy", 0, step, vec![source], vec![target]);
        true
    }
}

/// Elements from one of an axis to the next, of a row-major tensor.
fn stride(shape: &[usize], axis: usize) -> isize {
    shape[axis + 1..].iter().product::<usize>() as isize
}
