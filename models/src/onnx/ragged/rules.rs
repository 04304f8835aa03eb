//! The effect of each operator on axes whose extent depends on the image.

use framegate_backend_api::graph::{Binary, Operator, Reduce, Reduction, TopK, ValueId};
use framegate_backend_api::{ElementType, HostTensor};

use super::{Axes, Extent};
use crate::onnx::context::{Import, Problem};

impl Import {
    /// Adds a node of whose operands some have ragged axes.
    pub(in crate::onnx) fn emit_ragged(
        &mut self,
        operator: Operator,
        operands: &[ValueId],
    ) -> Result<Vec<ValueId>, Problem> {
        let mut operands = operands.to_vec();
        let x = operands[0];
        let axes = self.axes(x);
        let shape = self.shape(x);
        if !matches!(operator, Operator::Binary(_) | Operator::Where | Operator::Concat { .. }) {
            self.result_shape(&operator, &operands)?;
        }
        let result_axes = match &operator {
            Operator::Activation(_) | Operator::Unary(_) | Operator::Cast(_) => axes,
            Operator::Binary(_) | Operator::Where => self.broadcast(&mut operands)?,
            Operator::Concat { axis } => return self.joined(*axis, operands),
            Operator::Slice(slices) => {
                let mut axes = axes;
                for ((ragged, slice), extent) in axes.iter_mut().zip(slices).zip(&shape) {
                    let Some(whole) = *ragged else { continue };
                    if slice.is_all(*extent) {
                        continue;
                    }
                    if slice.step != 1 {
                        return Err(refused("a slice with a step", whole));
                    }
                    let rest = self.without_first(whole, slice.start as i64)?;
                    *ragged = Some(self.at_most(rest, slice.len as i64)?);
                }
                axes
            }
            Operator::Gather { axis } => {
                [&axes[..*axis], &self.axes(operands[1]), &axes[axis + 1..]].concat()
            }
            Operator::GatherElements { axis } => {
                let mut axes = axes;
                axes[*axis] = None;
                self.axes(operands[1]).into_iter().zip(axes).map(|(a, b)| a.or(b)).collect()
            }
            Operator::Scatter(_) => return self.scattered(operator, operands),
            Operator::Pad(pad) => {
                let padded = |axis: &usize| pad.before[*axis] > 0 || pad.after[*axis] > 0;
                if let Some(whole) = (0..axes.len()).filter(padded).find_map(|axis| axes[axis]) {
                    return Err(refused("padding", whole));
                }
                axes
            }
            Operator::Reshape { shape: target } => self.reshaped(&axes, &shape, target)?,
            Operator::Transpose { permutation } => {
                permutation.iter().map(|axis| axes[*axis]).collect()
            }
            Operator::Expand { shape: target } => {
                [vec![None; target.len().saturating_sub(shape.len())], axes].concat()
            }
            Operator::Tile { repeats } => {
                let repeated = axes.iter().zip(repeats).find(|(_, count)| **count != 1);
                if let Some((Some(whole), _)) = repeated {
                    return Err(refused("repetition", *whole));
                }
                axes
            }
            Operator::MatMul => self.multiplied(&mut operands)?,
            Operator::Softmax { axis } => {
                operands[0] = self.filled(x, *axis, f64::NEG_INFINITY)?;
                axes
            }
            Operator::Reduce(reduce) => return self.reduced(reduce.clone(), x),
            Operator::CumulativeSum { axis, .. } => {
                operands[0] = self.filled(x, *axis, 0.0)?;
                axes
            }
            Operator::ArgExtremum { axis, largest } => {
                operands[0] = self.filled(x, *axis, last(*largest))?;
                without(axes, *axis)
            }
            Operator::TopK(TopK { axis, k, largest }) => {
                let mut axes = axes;
                if let Some(whole) = axes[*axis] {
                    operands[0] = self.filled(x, *axis, last(*largest))?;
                    axes[*axis] = Some(self.at_most(whole, *k as i64)?);
                }
                axes
            }
            Operator::LayerNormalization { axis, .. } => {
                let (outer, inner) = axes.split_at((*axis).min(axes.len()));
                self.all_full("normalisation", inner)?;
                [outer, &vec![None; inner.len()]].concat()
            }
            Operator::Convolution(_)
            | Operator::TransposedConvolution(_)
            | Operator::MaxPool(_)
            | Operator::AveragePool(_)
            | Operator::Resize(_)
            | Operator::GridSample(_) => {
                self.all_full("a feature map", &axes[1..])?;
                let images = axes[0].or_else(|| self.axes(*operands.get(1)?).first().copied()?);
                vec![images, None, None, None]
            }
            Operator::RoiAlign(_) => {
                self.all_full("a feature map", &axes)?;
                let regions = self.axes(operands[1])[0].or(self.axes(operands[2])[0]);
                vec![regions, None, None, None]
            }
            Operator::NonZero => vec![None],
            Operator::NonMaxSuppression(_) => {
                let boxes = self.axes(operands[0]).get(1).copied().flatten();
                if let [None, None, scored] = self.axes(operands[1])[..]
                    && let Some(boxes) = boxes.or(scored)
                {
                    self.set_axis(operands[1], 2, Some(boxes));
                    operands[1] = self.filled(operands[1], 2, f64::NEG_INFINITY)?;
                } else {
                    return Err("only the number of boxes may depend on the image".to_owned());
                }
                vec![None; 2]
            }
        };
        let results = self.emit_plain(operator, &operands)?;
        for result in &results {
            self.set_axes(*result, result_axes.clone());
        }
        Ok(results)
    }

    /// Brings operands that broadcast to the same extents where one is ragged. A file that adds two values
    /// means them to be equally long, however long either can get.
    fn broadcast(&mut self, operands: &mut [ValueId]) -> Result<Axes, Problem> {
        let rank = operands.iter().map(|id| self.value(*id).shape.len()).max().unwrap_or(0);
        let mut result = vec![None; rank];
        for from_end in 1..=rank {
            let axis_in =
                |import: &Self, id: ValueId| import.value(id).shape.len().checked_sub(from_end);
            let mut ragged = None;
            let mut least = usize::MAX;
            for id in operands.iter() {
                let Some(axis) = axis_in(self, *id) else { continue };
                let extent = self.value(*id).shape[axis];
                let own = self.axes(*id)[axis];
                ragged = ragged.or(own);
                if extent != 1 || own.is_some() {
                    least = least.min(extent);
                }
            }
            let Some(extent) = ragged else { continue };
            for id in operands.iter_mut() {
                let Some(axis) = axis_in(self, *id) else { continue };
                if self.value(*id).shape[axis] != 1 {
                    *id = self.first(*id, axis, least)?;
                }
            }
            result[rank - from_end] = Some(self.at_most(extent, least as i64)?);
        }
        Ok(result)
    }

    /// Joins values so that all entries that are valid come first.
    fn joined(&mut self, axis: usize, mut operands: Vec<ValueId>) -> Result<Vec<ValueId>, Problem> {
        let concat = Operator::Concat { axis };
        let rank = self.value(operands[0]).shape.len();
        let fits = |id: &ValueId| self.value(*id).shape.len() == rank;
        if axis >= rank || !operands.iter().all(fits) {
            self.result_shape(&concat, &operands)?;
            return Err("its operands have different numbers of axes".to_owned());
        }
        let mut axes = vec![None; rank];
        for other in (0..rank).filter(|other| *other != axis) {
            let ragged = operands.iter().find_map(|id| self.axes(*id)[other]);
            let Some(extent) = ragged else { continue };
            let extents = operands.iter().map(|id| self.value(*id).shape[other]);
            let least = extents.min().unwrap_or(0);
            for id in &mut operands {
                *id = self.first(*id, other, least)?;
            }
            axes[other] = Some(self.at_most(extent, least as i64)?);
        }
        let parts: Vec<Extent> = operands.iter().map(|id| self.extents(*id)[axis]).collect();
        let lens: Vec<usize> = operands.iter().map(|id| self.value(*id).shape[axis]).collect();
        let mut result = self.emit_plain(concat, &operands)?[0];
        let full = |index: &usize| parts[*index] == Extent::known(lens[*index] as i64);
        if !(0..parts.len()).all(|index| full(&index)) {
            axes[axis] = Some(self.total(&parts)?);
        }
        if !(0..parts.len() - 1).all(|index| full(&index)) {
            let mut masks = Vec::new();
            for (part, len) in parts.iter().zip(lens) {
                masks.push(self.mask(*part, len)?);
            }
            let valid = self.emit_plain(Operator::Concat { axis: 0 }, &masks)?[0];
            let places = self.emit_plain(Operator::NonZero, &[valid])?[0];
            result = self.emit_plain(Operator::Gather { axis }, &[result, places])?[0];
        }
        self.set_axes(result, axes);
        Ok(vec![result])
    }

    /// Updates that are not valid go to a row that is cut off again.
    fn scattered(
        &mut self,
        operator: Operator,
        mut operands: Vec<ValueId>,
    ) -> Result<Vec<ValueId>, Problem> {
        let axes = self.axes(operands[0]);
        let [rows, updates] = [1, 2].map(|index| self.axes(operands[index])[0]);
        let Some(extent) = rows.or(updates) else {
            let results = self.emit_plain(operator, &operands)?;
            self.set_axes(results[0], axes);
            return Ok(results);
        };
        let shape = self.shape(operands[0]);
        let row = self.first(operands[0], 0, 1)?;
        operands[0] = self.emit_plain(Operator::Concat { axis: 0 }, &[operands[0], row])?[0];
        self.set_axis(operands[1], 0, Some(extent));
        operands[1] = self.filled(operands[1], 0, shape[0] as f64)?;
        let scattered = self.emit_plain(operator, &operands)?[0];
        let result = self.first(scattered, 0, shape[0])?;
        self.set_axes(result, axes);
        Ok(vec![result])
    }

    /// Zeros in place of entries that are not valid, along the axis that is summed over.
    fn multiplied(&mut self, operands: &mut [ValueId]) -> Result<Axes, Problem> {
        let [a, b] = [self.axes(operands[0]), self.axes(operands[1])];
        let (inner, inner_of_b) = (a.len() - 1, b.len() - 2);
        if let Some(extent) = a[inner].or(b[inner_of_b]) {
            for (operand, axis) in operands.iter_mut().zip([inner, inner_of_b]) {
                self.set_axis(*operand, axis, Some(extent));
                *operand = self.filled(*operand, axis, 0.0)?;
            }
        }
        let rank = a.len().max(b.len());
        let at = |axes: &Axes, axis: usize| {
            (axis + axes.len()).checked_sub(rank).and_then(|axis| axes[axis])
        };
        let mut axes: Axes =
            (0..rank - 2).map(|axis| at(&a, axis).or_else(|| at(&b, axis))).collect();
        axes.extend([a[inner - 1], b[inner_of_b + 1]]);
        Ok(axes)
    }

    /// Neutral elements in place of entries that are not valid.
    fn reduced(&mut self, mut reduce: Reduce, x: ValueId) -> Result<Vec<ValueId>, Problem> {
        let axes = self.axes(x);
        let ragged: Vec<usize> =
            reduce.axes.iter().copied().filter(|axis| axes[*axis].is_some()).collect();
        let is_mean = reduce.reduction == Reduction::Mean && !ragged.is_empty();
        if is_mean {
            reduce.reduction = Reduction::Sum;
        }
        let neutral = match reduce.reduction {
            Reduction::Sum | Reduction::Mean => 0.0,
            Reduction::Product => 1.0,
            Reduction::Max => f64::NEG_INFINITY,
            Reduction::Min => f64::INFINITY,
        };
        let mut filled = x;
        for axis in &ragged {
            filled = self.filled(filled, *axis, neutral)?;
        }
        let mut result = self.emit_plain(Operator::Reduce(reduce.clone()), &[filled])?[0];
        if is_mean {
            if self.value(x).element_type != ElementType::F32 {
                return Err("a mean of integers whose number depends on the image".to_owned());
            }
            let extents = self.extents(x);
            for axis in &reduce.axes {
                let count = self.scalar_of(extents[*axis])?;
                let count = self.emit_plain(Operator::Cast(ElementType::F32), &[count])?[0];
                result = self.emit_plain(Operator::Binary(Binary::Div), &[result, count])?[0];
            }
        }
        let is_reduced = |axis: &usize| reduce.axes.contains(axis);
        let kept = (0..axes.len()).filter_map(|axis| match is_reduced(&axis) {
            true => reduce.keep_axes.then_some(None),
            false => Some(axes[axis]),
        });
        self.set_axes(result, kept.collect());
        Ok(vec![result])
    }

    fn all_full(&self, what: &str, axes: &[Option<Extent>]) -> Result<(), Problem> {
        match axes.iter().flatten().next() {
            Some(extent) => Err(refused(what, *extent)),
            None => Ok(()),
        }
    }

    /// One of two values of one type, by a condition; the shorter one is filled up.
    pub(in crate::onnx) fn chosen(
        &mut self,
        condition: ValueId,
        mut pair: [ValueId; 2],
    ) -> Result<ValueId, Problem> {
        let types = pair.map(|id| self.value(id).element_type);
        let ranks = pair.map(|id| self.value(id).shape.len());
        if types[0] != types[1] || ranks[0] != ranks[1] {
            let [a, b] = pair.map(|id| self.shape(id));
            return Err(format!("its branches make values of different kinds, {a:?} and {b:?}"));
        }
        if pair[0] == pair[1] {
            return Ok(pair[0]);
        }
        let extents = pair.map(|id| self.extents(id));
        let mut axes = vec![None; ranks[0]];
        for axis in 0..ranks[0] {
            let [a, b] = [extents[0][axis], extents[1][axis]];
            axes[axis] = Some(a);
            if a != b {
                let counts = [self.scalar_of(a)?, self.scalar_of(b)?];
                let count =
                    self.emit_plain(Operator::Where, &[condition, counts[0], counts[1]])?[0];
                axes[axis] = Some(self.count_in(count, 0, a.most().max(b.most()))?);
            }
            let lens = pair.map(|id| self.value(id).shape[axis]);
            for (id, len) in pair.iter_mut().zip(lens) {
                *id = self.lengthened(*id, axis, lens[0].max(lens[1]) - len)?;
            }
        }
        let chosen = self.emit_plain(Operator::Where, &[condition, pair[0], pair[1]])?[0];
        self.set_axes(chosen, axes);
        Ok(chosen)
    }

    /// A value with entries that are not valid at the end of an axis.
    fn lengthened(&mut self, x: ValueId, axis: usize, by: usize) -> Result<ValueId, Problem> {
        if by == 0 {
            return Ok(x);
        }
        let mut shape = self.shape(x);
        shape[axis] = by;
        let count = shape.iter().product();
        self.reserve(count)?;
        let rest = match self.value(x).element_type {
            ElementType::F32 => HostTensor::from_f32(shape, vec![0.0; count]),
            ElementType::I64 => HostTensor::from_i64(shape, vec![0; count]),
            ElementType::Bool => HostTensor::from_bool(shape, vec![false; count]),
        };
        let rest = self.constant(rest);
        Ok(self.emit_plain(Operator::Concat { axis }, &[x, rest])?[0])
    }
}

/// The number that comes last in a search for the largest or smallest.
fn last(largest: bool) -> f64 {
    if largest { f64::NEG_INFINITY } else { f64::INFINITY }
}

fn without(mut axes: Axes, axis: usize) -> Axes {
    if let Some(axis) = axes.get_mut(axis) {
        *axis = None;
    }
    axes
}

fn refused(what: &str, extent: Extent) -> Problem {
    format!(
        "{what} along an axis whose extent depends on the image (up to {}) is not supported",
        extent.most()
    )
}
