//! Whole numbers that may depend on the image: the number of boxes, and numbers that follow from it.

use framegate_backend_api::graph::ValueId;

/// A number that the graph computes, from 0 to `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::onnx) struct Count {
    /// The scalar (`I64`) that holds it.
    pub(in crate::onnx) value: ValueId,
    pub(in crate::onnx) most: i64,
}

/// `base + factor · count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::onnx) struct Extent {
    pub(super) base: i64,
    pub(super) factor: i64,
    pub(super) count: Option<Count>,
}

impl Extent {
    /// A number that is the same for every image.
    pub(in crate::onnx) fn known(number: i64) -> Self {
        Self { base: number, factor: 0, count: None }
    }

    pub(in crate::onnx) fn counted(count: Count) -> Self {
        match count.most {
            0 => Self::known(0),
            _ => Self { base: 0, factor: 1, count: Some(count) },
        }
    }

    /// The number, if it is the same for every image.
    pub(in crate::onnx) fn number(&self) -> Option<i64> {
        self.count.is_none().then_some(self.base)
    }

    /// The largest that it can be.
    pub(in crate::onnx) fn most(&self) -> i64 {
        self.at(if self.factor > 0 { self.largest_count() } else { 0 })
    }

    /// The smallest that it can be.
    pub(in crate::onnx) fn least(&self) -> i64 {
        self.at(if self.factor < 0 { self.largest_count() } else { 0 })
    }

    fn largest_count(&self) -> i64 {
        self.count.map_or(0, |count| count.most)
    }

    fn at(&self, count: i64) -> i64 {
        self.base.saturating_add(self.factor.saturating_mul(count))
    }

    /// The sum; `None` where it depends on two counts.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let base = self.base.checked_add(other.base)?;
        let count = match (self.count, other.count) {
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b),
        };
        Self::new(base, self.factor.checked_add(other.factor)?, count)
    }

    /// The product; `None` where two counts are multiplied.
    pub(in crate::onnx) fn times(self, other: Self) -> Option<Self> {
        let (number, other) = match (self.number(), other.number()) {
            (Some(number), _) => (number, other),
            (_, Some(number)) => (number, self),
            _ => return None,
        };
        let [base, factor] = [other.base, other.factor].map(|part| part.checked_mul(number));
        Self::new(base?, factor?, other.count)
    }

    /// The quotient, if nothing remains whatever the count is.
    pub(super) fn divided_by(self, divisor: i64) -> Option<Self> {
        let divides = divisor != 0 && self.base % divisor == 0 && self.factor % divisor == 0;
        divides.then(|| Self { base: self.base / divisor, factor: self.factor / divisor, ..self })
    }

    fn new(base: i64, factor: i64, count: Option<Count>) -> Option<Self> {
        Some(match factor {
            0 => Self::known(base),
            _ => Self { base, factor, count },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cancels_is_known() {
        let count = Extent::counted(Count { value: ValueId(7), most: 300 });
        let rest = count.times(Extent::known(-6)).and_then(|n| n.plus(Extent::known(1800)));
        let rest = rest.unwrap();
        assert_eq!((rest.least(), rest.most(), rest.number()), (0, 1800, None));
        let numbers = count.times(Extent::known(6)).unwrap();
        assert_eq!(numbers.plus(rest).unwrap().number(), Some(1800));
        assert_eq!(numbers.divided_by(6), Some(count));
        assert_eq!(numbers.divided_by(4), None);
        let other = Extent::counted(Count { value: ValueId(8), most: 9 });
        assert_eq!((count.plus(other), count.times(other)), (None, None));
    }
}
