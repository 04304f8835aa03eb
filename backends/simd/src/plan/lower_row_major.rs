//! Lowers the nodes that have kernels for row-major tensors.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{AxisSlice, Binary, Node, Operator, Value};

use super::lower::Lowerer;
use crate::kernels::{activation, elementwise};
use crate::steps::{
    Activate, Combine, MOST_AXES, MatMul, Other, Softmax, StridedAxis, StridedCopy,
};

impl Lowerer<'_> {
    /// Lowers a node, if there is a kernel for it; returns whether there is.
    pub(super) fn row_major_kernel(&mut self, node: &Node) -> bool {
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
                let [source, target] = [self.row_major(node.inputs[0]), self.new_row_major(result)];
                let step = Activate::new(level, threads, *function, len, [source, target]);
                self.push(&node.name, "activation", 0, step, vec![source], vec![target]);
            }
            Operator::Binary(function) if elementwise::is_vectorised(*function) => {
                return self.binary(node, *function, len);
            }
            Operator::Softmax { axis } if Softmax::fits(level, *axis, shape) => {
                let [source, target] = [self.row_major(node.inputs[0]), self.new_row_major(result)];
                let step = Softmax::new(level, threads, *axis, shape, [source, target]);
                self.push(&node.name, "softmax", 0, step, vec![source], vec![target]);
            }
            Operator::MatMul if MatMul::fits(level, &operands[1].shape) => {
                let sources = [self.row_major(node.inputs[0]), self.row_major(node.inputs[1])];
                let target = self.new_row_major(result);
                let shapes = [&operands[0].shape[..], &operands[1].shape];
                let step = MatMul::new(level, threads, shapes, sources, target);
                let multiply_adds = step.multiply_adds();
                let kernel = "matmul";
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

    /// A binary function of two tensors of the same shape, or of a tensor and a constant number.
    fn binary(&mut self, node: &Node, function: Binary, len: usize) -> bool {
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
                let source = self.row_major(a);
                (source, Other::Number(number), vec![source])
            }
            (Some(number), _) if has_shape(b) && function != Binary::Sub => {
                let source = self.row_major(b);
                (source, Other::Number(number), vec![source])
            }
            _ if has_shape(a) && has_shape(b) => {
                let [a, b] = [self.row_major(a), self.row_major(b)];
                (a, Other::Tensor(b), vec![a, b])
            }
            _ => return false,
        };
        let target = self.new_row_major(result);
        let step = Combine::new(level, threads, function, len, source, other, target);
        self.push(&node.name, "elementwise", 0, step, reads, vec![target]);
        true
    }

    fn strided_copy(&mut self, node: &Node, start: usize, axes: &[StridedAxis]) -> bool {
        if axes.len() > MOST_AXES {
            return false;
        }
        let [source, target] =
            [self.row_major(node.inputs[0]), self.new_row_major(node.outputs[0])];
        let step = StridedCopy::new(self.threads, start, axes, [source, target]);
        self.push(&node.name, "strided_copy", 0, step, vec![source], vec![target]);
        true
    }
}

/// Elements from one index of an axis to the next, in a row-major tensor.
fn stride(shape: &[usize], axis: usize) -> isize {
    shape[axis + 1..].iter().product::<usize>() as isize
}
