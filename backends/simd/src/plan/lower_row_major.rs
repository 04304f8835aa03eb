//! Lowers the nodes that have kernels for row-major tensors.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Node, Operator, Reduce, RoiPooling, SampleMode, Value};

use super::classify::is_feature_map;
use super::formats::Format;
use super::lower::Lowerer;
use super::views::row_major_strides;
use crate::kernels::activation;
use crate::kernels::broadcast::{Function, MOST_OPERANDS, has_binary, has_comparison, has_unary};
use crate::steps::{
    Activate, AlignRegions, CombineLines, Fold, LineAxis, LineOperand, MOST_AXES, Map, Normalise,
    SampleGrid, Softmax, StridedAxis, StridedCopy, Suppress,
};

impl Lowerer<'_> {
    /// Lowers a node, if there is a kernel for it; returns whether there is.
    pub(super) fn row_major_kernel(&mut self, node: &Node) -> bool {
        let (level, threads, result) = (self.level, self.threads, node.outputs[0]);
        let operands: Vec<&Value> = node.inputs.iter().map(|id| self.graph.value(*id)).collect();
        let results = self.graph.value(result);
        let len: usize = results.shape.iter().product();
        let floats = operands.iter().all(|operand| operand.element_type == ElementType::F32);
        match &node.operator {
            Operator::Binary(function) if floats && len > 0 && has_comparison(*function) => {
                return self.lines(node, Function::Comparison(*function));
            }
            Operator::Where if len > 0 && operands[1].element_type == ElementType::F32 => {
                return self.lines(node, Function::Choice);
            }
            Operator::NonMaxSuppression(parameters) => {
                let [images, classes, boxes] = operands[1].shape[..] else { return false };
                let sources = [0, 1].map(|it| self.row_major(node.inputs[it]));
                let target = self.new_row_major(result);
                let extents = [images, classes, boxes];
                let step = Suppress::new(level, *parameters, extents, sources, target);
                self.push(&node.name, "suppress", 0, step, sources.to_vec(), vec![target]);
                return true;
            }
            Operator::RoiAlign(parameters)
                if parameters.pooling == RoiPooling::Mean
                    && len > 0
                    && is_feature_map(operands[0]) =>
            {
                let (layout, regions) = (self.layout(node.inputs[0]), operands[1].shape[0]);
                let x = self.blocked(node.inputs[0], Format::F32);
                let sources = [x, self.row_major(node.inputs[1])];
                let target = self.new_row_major(result);
                let step = AlignRegions::new(
                    level,
                    threads,
                    *parameters,
                    layout,
                    regions,
                    sources,
                    target,
                );
                self.push(&node.name, "roi_align", 0, step, sources.to_vec(), vec![target]);
                return true;
            }
            _ => {}
        }
        if len == 0 || !floats || results.element_type != ElementType::F32 {
            return false;
        }
        let shape = &operands[0].shape;
        match &node.operator {
            Operator::Activation(function) if activation::is_vectorised(*function) => {
                let [source, target] = [self.row_major(node.inputs[0]), self.new_row_major(result)];
                let step = Activate::new(level, threads, *function, len, [source, target]);
                self.push(&node.name, "activation", 0, step, vec![source], vec![target]);
            }
            Operator::Binary(function) if has_binary(*function) => {
                return self.lines(node, Function::Pair(*function));
            }
            Operator::Unary(function) if has_unary(*function) => {
                let [source, target] = [self.row_major(node.inputs[0]), self.new_row_major(result)];
                let step = Map::new(level, threads, *function, len, [source, target]);
                self.push(&node.name, "unary", 0, step, vec![source], vec![target]);
            }
            Operator::GridSample(sample) if sample.mode == SampleMode::Linear => {
                let [images, channels, height, width] = shape[..] else { return false };
                let points = operands[1].shape[1] * operands[1].shape[2];
                let sources = [0, 1].map(|it| self.row_major(node.inputs[it]));
                let target = self.new_row_major(result);
                let shape = [images, channels, height, width];
                let step = SampleGrid::new(level, threads, *sample, shape, points, sources, target);
                self.push(&node.name, "grid_sample", 0, step, sources.to_vec(), vec![target]);
            }
            Operator::Concat { axis } => return self.concatenation(node, *axis),
            Operator::Reduce(parameters) => return self.reduce(node, parameters),
            Operator::LayerNormalization { axis, epsilon } if !shape.contains(&0) => {
                let extent: usize = shape[*axis..].iter().product();
                let sources = [0, 1, 2].map(|it| self.row_major(node.inputs[it]));
                let target = self.new_row_major(result);
                let lines = [len / extent, extent];
                let step = Normalise::new(level, threads, lines, *epsilon, sources, target);
                self.push(&node.name, "normalise", 0, step, sources.to_vec(), vec![target]);
            }
            Operator::Softmax { axis } if Softmax::fits(level, *axis, shape) => {
                let [source, target] = [self.row_major(node.inputs[0]), self.new_row_major(result)];
                let step = Softmax::new(level, threads, *axis, shape, [source, target]);
                self.push(&node.name, "softmax", 0, step, vec![source], vec![target]);
            }
            _ => return false,
        }
        true
    }

    /// A function of two or three tensors, which are read where they are, and broadcast.
    fn lines(&mut self, node: &Node, function: Function) -> bool {
        let graph = self.graph;
        let result = node.outputs[0];
        let shape = &graph.value(result).shape;
        if shape.len() > MOST_AXES {
            return false;
        }
        let one = |extent: &usize| LineAxis { extent: *extent, strides: [0; MOST_OPERANDS] };
        let mut axes: Vec<LineAxis> = shape.iter().map(one).collect();
        let mut operands = Vec::new();
        for (it, id) in node.inputs.iter().enumerate() {
            let own = &graph.value(*id).shape;
            // What several nodes read is put in order once.
            if self.uses[id.0] > 1 {
                self.row_major(*id);
            }
            let view = self.view(*id);
            let more = shape.len() - own.len();
            for (axis, (stride, extent)) in view.strides.iter().zip(own).enumerate() {
                axes[more + axis].strides[it] = if *extent == 1 { 0 } else { *stride };
            }
            let slot = self.row_major(view.base);
            operands.push(LineOperand { slot, start: view.start as usize });
        }
        let reads = operands.iter().map(|operand| operand.slot).collect();
        let target = self.new_row_major(result);
        let (level, threads) = (self.level, self.threads);
        let step = CombineLines::new(level, threads, function, &axes, operands, target);
        self.push(&node.name, "elementwise", 0, step, reads, vec![target]);
        true
    }

    /// A copy of each operand to where it belongs.
    fn concatenation(&mut self, node: &Node, axis: usize) -> bool {
        let graph = self.graph;
        let result = node.outputs[0];
        let shape = &graph.value(result).shape;
        if shape.len() > MOST_AXES {
            return false;
        }
        let to = row_major_strides(shape);
        let target = self.new_row_major(result);
        let mut start = 0;
        for id in &node.inputs {
            let view = self.view(*id);
            let own = &graph.value(*id).shape;
            let source = self.row_major(view.base);
            let strides = view.strides.iter().zip(&to);
            let axes = own.iter().zip(strides).map(|(extent, (stride, to))| StridedAxis {
                extent: *extent,
                stride: *stride,
                to: *to,
            });
            let axes: Vec<StridedAxis> = axes.collect();
            let starts = [view.start as usize, start];
            start += own[axis] * to[axis] as usize;
            if own.contains(&0) {
                continue;
            }
            let step = StridedCopy::new(self.threads, starts, &axes, [source, target]);
            self.push(&node.name, "strided_copy", 0, step, vec![source], vec![target]);
        }
        true
    }

    /// A reduction over neighbouring axes.
    fn reduce(&mut self, node: &Node, reduce: &Reduce) -> bool {
        let shape = &self.graph.value(node.inputs[0]).shape;
        let (Some(first), Some(last)) = (reduce.axes.first(), reduce.axes.last()) else {
            return false;
        };
        let is_one_range = last - first + 1 == reduce.axes.len();
        if !is_one_range || shape.contains(&0) {
            return false;
        }
        let product = |axes: &[usize]| axes.iter().product::<usize>();
        let extents = [
            product(&shape[..*first]),
            product(&shape[*first..=*last]),
            product(&shape[last + 1..]),
        ];
        let [source, target] =
            [self.row_major(node.inputs[0]), self.new_row_major(node.outputs[0])];
        let step = Fold::new(self.level, self.threads, reduce.reduction, extents, [source, target]);
        self.push(&node.name, "reduce", 0, step, vec![source], vec![target]);
        true
    }
}
