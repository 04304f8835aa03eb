//! Values whose size depends on the image: the boxes that score enough, those that suppression keeps.
//!
//! A graph has fixed shapes, so such an axis, a *ragged* one, is as long as it can get. Its first entries are the
//! *valid* ones, as many as an [`Extent`] says; the others hold anything and are never mixed with them. Every
//! operator either keeps it so or refuses the axis, here and nowhere else, so importers need not know.

mod extent;
mod fill;
mod known;
mod rules;
mod shapes;

use std::collections::HashMap;

use framegate_backend_api::graph::{Binary, Operator, ValueId};
use framegate_backend_api::{ElementType, HostTensor};

use super::context::{Import, Problem};
pub(super) use extent::{Count, Extent};

/// How many entries of each axis are valid; `None` where all are: the axis is not ragged.
pub(super) type Axes = Vec<Option<Extent>>;

/// Facts about values that depend on the image.
#[derive(Debug, Default)]
pub(super) struct Ragged {
    axes: HashMap<ValueId, Axes>,
    /// Elements of integer vectors and scalars.
    elements: HashMap<ValueId, Vec<Extent>>,
    /// Places of true elements, by the value they are in.
    places: HashMap<ValueId, (ValueId, Extent)>,
    /// The smaller of an extent and a number.
    smaller: HashMap<(Extent, i64), Extent>,
    scalars: HashMap<Extent, ValueId>,
    masks: HashMap<(Extent, usize), ValueId>,
}

impl Ragged {
    /// Every value that is remembered.
    pub(super) fn values(&self) -> impl Iterator<Item = ValueId> {
        let places = self.places.iter().flat_map(|(truth, (places, _))| [*truth, *places]);
        let keys = self.axes.keys().chain(self.elements.keys()).copied();
        keys.chain(places).chain(self.scalars.values().chain(self.masks.values()).copied())
    }
}

impl Import {
    /// Which axes of a value are ragged.
    pub(super) fn axes(&self, id: ValueId) -> Axes {
        let rank = self.value(id).shape.len();
        self.ragged.axes.get(&id).cloned().unwrap_or_else(|| vec![None; rank])
    }

    /// Whether a value has a ragged axis.
    pub(super) fn is_ragged(&self, id: ValueId) -> bool {
        self.ragged.axes.contains_key(&id)
    }

    /// Records which axes of a value are ragged. An axis that is always full is not.
    pub(super) fn set_axes(&mut self, id: ValueId, mut axes: Axes) {
        for (axis, extent) in axes.iter_mut().zip(&self.value(id).shape) {
            *axis = axis.filter(|ragged| ragged.number() != Some(*extent as i64));
        }
        if axes.iter().any(Option::is_some) {
            self.ragged.axes.insert(id, axes);
        }
    }

    /// Makes one axis of a value ragged, or full.
    pub(super) fn set_axis(&mut self, id: ValueId, axis: usize, extent: Option<Extent>) {
        let mut axes = self.axes(id);
        self.ragged.axes.remove(&id);
        axes[axis] = extent;
        self.set_axes(id, axes);
    }

    /// The extent of each axis.
    pub(super) fn extents(&self, id: ValueId) -> Vec<Extent> {
        let full = |extent: &usize| Extent::known(*extent as i64);
        let shape = self.value(id).shape.iter().map(full);
        self.axes(id).into_iter().zip(shape).map(|(ragged, full)| ragged.unwrap_or(full)).collect()
    }

    /// The whole numbers that a value holds, as far as they follow from extents; else an error, which
    /// names it by `what`.
    pub(super) fn numbers_of(&self, id: ValueId, what: &str) -> Result<Vec<Extent>, Problem> {
        match self.elements_of(id) {
            Some(elements) => Ok(elements),
            None => Ok(self.integers_of(id, what)?.into_iter().map(Extent::known).collect()),
        }
    }

    /// The elements of an integer vector or scalar, if they follow from extents or are constant.
    fn elements_of(&self, id: ValueId) -> Option<Vec<Extent>> {
        if let Some(elements) = self.ragged.elements.get(&id) {
            return Some(elements.clone());
        }
        let value = self.value(id);
        if value.shape.len() > 1 || self.is_ragged(id) {
            return None;
        }
        let integers = value.constant.as_ref()?.as_i64()?;
        Some(integers.iter().copied().map(Extent::known).collect())
    }

    /// A vector of whole numbers.
    pub(super) fn vector(&mut self, numbers: Vec<Extent>) -> Result<ValueId, Problem> {
        let known: Option<Vec<i64>> = numbers.iter().map(Extent::number).collect();
        if let Some(known) = known {
            return Ok(self.constant(HostTensor::from_i64([known.len()], known)));
        }
        let mut parts = Vec::new();
        for number in &numbers {
            let scalar = self.scalar_of(*number)?;
            parts.push(self.emit_plain(Operator::Reshape { shape: vec![1] }, &[scalar])?[0]);
        }
        let vector = self.emit_plain(Operator::Concat { axis: 0 }, &parts)?[0];
        self.ragged.elements.insert(vector, numbers);
        Ok(vector)
    }

    /// A scalar with this number.
    pub(super) fn scalar_of(&mut self, number: Extent) -> Result<ValueId, Problem> {
        if let Some(scalar) = self.ragged.scalars.get(&number) {
            return Ok(*scalar);
        }
        let integer =
            |import: &mut Self, integer| import.constant(HostTensor::from_i64([], vec![integer]));
        let mut scalar = match number.count {
            None => integer(self, number.base),
            Some(count) => count.value,
        };
        for (binary, part, neutral) in
            [(Binary::Mul, number.factor, 1), (Binary::Add, number.base, 0)]
        {
            if number.count.is_some() && part != neutral {
                let part = integer(self, part);
                scalar = self.emit_plain(Operator::Binary(binary), &[scalar, part])?[0];
            }
        }
        self.ragged.scalars.insert(number, scalar);
        self.ragged.elements.insert(scalar, vec![number]);
        Ok(scalar)
    }

    /// The count that element `index` of a vector, or a scalar, holds.
    pub(super) fn count_in(
        &mut self,
        id: ValueId,
        index: usize,
        most: i64,
    ) -> Result<Extent, Problem> {
        let mut value = id;
        if self.value(id).shape.iter().product::<usize>() != 1 {
            let index = self.constant(HostTensor::from_i64([], vec![index as i64]));
            value = self.emit_plain(Operator::Gather { axis: 0 }, &[id, index])?[0];
        }
        if !self.value(value).shape.is_empty() {
            value = self.emit_plain(Operator::Reshape { shape: vec![] }, &[value])?[0];
        }
        Ok(Extent::counted(Count { value, most }))
    }

    /// The smaller of an extent and a number.
    pub(super) fn at_most(&mut self, extent: Extent, number: i64) -> Result<Extent, Problem> {
        if extent.most() <= number {
            return Ok(extent);
        }
        if extent.least() >= number {
            return Ok(Extent::known(number));
        }
        if let Some(smaller) = self.ragged.smaller.get(&(extent, number)) {
            return Ok(*smaller);
        }
        let (a, b) = (self.scalar_of(extent)?, self.scalar_of(Extent::known(number))?);
        let smaller = self.emit_plain(Operator::Binary(Binary::Min), &[a, b])?[0];
        let smaller = self.count_in(smaller, 0, number)?;
        self.ragged.smaller.insert((extent, number), smaller);
        Ok(smaller)
    }

    /// The smaller of two extents.
    pub(super) fn smaller_of(&mut self, a: Extent, b: Extent) -> Result<Extent, Problem> {
        if let Some(number) = b.number() {
            return self.at_most(a, number);
        }
        if let Some(number) = a.number() {
            return self.at_most(b, number);
        }
        if a == b {
            return Ok(a);
        }
        let scalars = [self.scalar_of(a)?, self.scalar_of(b)?];
        let smaller = self.emit_plain(Operator::Binary(Binary::Min), &scalars)?[0];
        self.count_in(smaller, 0, a.most().min(b.most()))
    }

    /// The extent without its first `number` entries.
    pub(super) fn without_first(&mut self, extent: Extent, number: i64) -> Result<Extent, Problem> {
        let skipped = self.at_most(extent, number)?;
        let less = skipped.times(Extent::known(-1)).ok_or("an extent is too large")?;
        if let Some(rest) = extent.plus(less) {
            return Ok(rest);
        }
        let (a, b) = (self.scalar_of(extent)?, self.scalar_of(skipped)?);
        let rest = self.emit_plain(Operator::Binary(Binary::Sub), &[a, b])?[0];
        self.count_in(rest, 0, (extent.most() - number).max(0))
    }

    /// The sum of extents.
    pub(super) fn total(&mut self, extents: &[Extent]) -> Result<Extent, Problem> {
        let mut total = Extent::known(0);
        for extent in extents {
            total = match total.plus(*extent) {
                Some(total) => total,
                None => {
                    let (a, b) = (self.scalar_of(total)?, self.scalar_of(*extent)?);
                    let sum = self.emit_plain(Operator::Binary(Binary::Add), &[a, b])?[0];
                    self.count_in(sum, 0, total.most().saturating_add(extent.most()))?
                }
            };
        }
        Ok(total)
    }

    /// The places of true elements in a boolean value, among all its elements, and how many there are.
    pub(super) fn places_of(&mut self, truth: ValueId) -> Result<(ValueId, Extent), Problem> {
        if let Some(places) = self.ragged.places.get(&truth) {
            return Ok(*places);
        }
        let filled = self.filled_with(truth, 0.0)?;
        let places = self.emit_plain(Operator::NonZero, &[filled])?[0];
        let len = self.value(places).shape[0];
        let flat = self.emit_plain(Operator::Reshape { shape: vec![len] }, &[filled])?[0];
        let ones = self.emit_plain(Operator::Cast(ElementType::I64), &[flat])?[0];
        let count = self.emit_plain(fill::sum(vec![0]), &[ones])?[0];
        let extent = match self.value(count).constant.as_ref().and_then(|count| count.as_i64()) {
            Some(count) => Extent::known(count[0]),
            None => self.count_in(count, 0, len as i64)?,
        };
        self.set_axis(places, 0, Some(extent));
        self.ragged.places.insert(truth, (places, extent));
        Ok((places, extent))
    }
}
