//! Entries that are not valid, replaced by ones that change nothing.

use framegate_backend_api::graph::{
    AxisSlice, Binary, Operator, Pad, PadMode, Reduce, Reduction, ValueId,
};
use framegate_backend_api::{ElementType, HostTensor, TensorData};

use super::Extent;
use crate::onnx::context::{Import, Problem};

pub(super) fn sum(axes: Vec<usize>) -> Operator {
    Operator::Reduce(Reduce { reduction: Reduction::Sum, axes, keep_axes: false })
}

impl Import {
    /// Which entries of an axis of `len` are valid: booleans `[len]`.
    pub(super) fn mask(&mut self, extent: Extent, len: usize) -> Result<ValueId, Problem> {
        if let Some(mask) = self.ragged.masks.get(&(extent, len)) {
            return Ok(*mask);
        }
        self.reserve(len)?;
        let places = self.constant(HostTensor::from_i64([len], (0..len as i64).collect()));
        let count = self.scalar_of(extent)?;
        let mask = self.emit_plain(Operator::Binary(Binary::Less), &[places, count])?[0];
        self.ragged.masks.insert((extent, len), mask);
        Ok(mask)
    }

    /// A value with `number` (infinite ones are the ends of an integer's range) in place of the entries of an
    /// axis that are not valid.
    pub(super) fn filled(
        &mut self,
        x: ValueId,
        axis: usize,
        number: f64,
    ) -> Result<ValueId, Problem> {
        let Some(extent) = self.axes(x)[axis] else { return Ok(x) };
        let shape = self.shape(x);
        let mask = self.mask(extent, shape[axis])?;
        let along = [&[shape[axis]], &vec![1; shape.len() - axis - 1][..]].concat();
        let mask = self.emit_plain(Operator::Reshape { shape: along }, &[mask])?[0];
        let number = match self.value(x).element_type {
            ElementType::F32 => TensorData::F32(vec![number as f32]),
            ElementType::I64 => TensorData::I64(vec![number as i64]),
            ElementType::Bool => TensorData::Bool(vec![number != 0.0]),
        };
        let number = self.constant(HostTensor::new([], number));
        let filled = self.emit_plain(Operator::Where, &[mask, x, number])?[0];
        let axes = self.axes(x);
        self.set_axes(filled, axes);
        Ok(filled)
    }

    /// A value with `number` in place of all entries that are not valid, and no ragged axis.
    pub(in crate::onnx) fn filled_with(
        &mut self,
        x: ValueId,
        number: f64,
    ) -> Result<ValueId, Problem> {
        let mut filled = x;
        for axis in 0..self.value(x).shape.len() {
            filled = self.filled(filled, axis, number)?;
        }
        if filled != x {
            self.ragged.axes.remove(&filled);
        }
        Ok(filled)
    }

    /// A value of which at most `len` entries of an axis are valid.
    pub(in crate::onnx) fn cut(
        &mut self,
        x: ValueId,
        axis: usize,
        len: Extent,
    ) -> Result<ValueId, Problem> {
        let whole = self.extents(x)[axis];
        let cut = self.smaller_of(whole, len)?;
        // A name of its own, because the operand may be read elsewhere.
        let shape = self.shape(x);
        let result = self.emit_plain(Operator::Reshape { shape }, &[x])?[0];
        let axes = self.axes(x);
        self.set_axes(result, axes);
        self.set_axis(result, axis, Some(cut));
        Ok(result)
    }

    /// A value with `number` in place of the entries of an axis that are not valid and after it, `len` entries in all, of
    /// which the first `total` are valid.
    pub(in crate::onnx) fn extended(
        &mut self,
        x: ValueId,
        axis: usize,
        total: Extent,
        len: usize,
        number: f32,
    ) -> Result<ValueId, Problem> {
        let axes = self.axes(x);
        let mut result = self.filled(x, axis, number.into())?;
        let own = self.shape(result)[axis];
        if len < own {
            result = self.first(result, axis, len)?;
        } else if len > own {
            let rank = axes.len();
            let mut pad = Pad {
                before: vec![0; rank],
                after: vec![0; rank],
                mode: PadMode::Constant(number),
            };
            pad.after[axis] = len - own;
            result = self.emit_plain(Operator::Pad(pad), &[result])?[0];
        } else if result == x {
            return Ok(x);
        }
        self.set_axes(result, axes);
        self.set_axis(result, axis, Some(total));
        Ok(result)
    }

    /// The first `len` entries of an axis.
    pub(in crate::onnx) fn first(
        &mut self,
        x: ValueId,
        axis: usize,
        len: usize,
    ) -> Result<ValueId, Problem> {
        let shape = self.shape(x);
        if shape[axis] == len {
            return Ok(x);
        }
        let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
        slices[axis].len = len;
        let first = self.emit_plain(Operator::Slice(slices), &[x])?[0];
        let mut axes = self.axes(x);
        if let Some(extent) = axes[axis] {
            axes[axis] = Some(self.at_most(extent, len as i64)?);
        }
        self.set_axes(first, axes);
        Ok(first)
    }
}
