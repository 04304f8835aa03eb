//! Choosing between elements: by a condition, or by their order.

use std::cmp::Ordering;

use framegate_backend_api::graph::TopK;

use crate::elementwise::fill;
use crate::indexing::{Broadcast, Lines, with_extent};
use crate::{Elements, ElementsMut, Operation};

/// `a` where the condition holds, else `b`.
pub(crate) fn choose(shapes: [&[usize]; 3], result: &[usize]) -> Operation {
    let [at_condition, at_a, at_b] = shapes.map(|shape| Broadcast::new(shape, result));
    Operation::new(move |operands| {
        let condition = operands.booleans(0);
        let holds = |i: usize| at_condition.of(condition, i);
        let pair = (operands.input(1), operands.input(2));
        match (pair, operands.result()) {
            ((Elements::F32(a), Elements::F32(b)), ElementsMut::F32(to)) => {
                fill(to, |i| if holds(i) { at_a.of(a, i) } else { at_b.of(b, i) });
            }
            ((Elements::I64(a), Elements::I64(b)), ElementsMut::I64(to)) => {
                fill(to, |i| if holds(i) { at_a.of(a, i) } else { at_b.of(b, i) });
            }
            ((Elements::Bool(a), Elements::Bool(b)), ElementsMut::Bool(to)) => {
                fill(to, |i| if holds(i) { at_a.of(a, i) } else { at_b.of(b, i) });
            }
            _ => unreachable!("operands were checked to be of one type"),
        }
    })
}

/// Whether the element at offset `a` precedes the one at `b` in a search for the largest or smallest. NaN
/// counts as larger than every number; of equal elements the first precedes.
fn precedes(x: Elements<'_>, largest: bool, a: usize, b: usize) -> bool {
    let ascending = match x {
        Elements::F32(x) => {
            let by_nan = || x[a].is_nan().cmp(&x[b].is_nan());
            x[a].partial_cmp(&x[b]).unwrap_or_else(by_nan)
        }
        Elements::I64(x) => x[a].cmp(&x[b]),
        Elements::Bool(_) => unreachable!("operand was checked to be a number"),
    };
    let order = if largest { ascending.reverse() } else { ascending };
    order.then(a.cmp(&b)) == Ordering::Less
}

pub(crate) fn arg_extremum(axis: usize, largest: bool, shape: &[usize]) -> Operation {
    let lines = Lines::along(axis, shape);
    Operation::new(move |operands| {
        let x = operands.input(0);
        for (start, result) in lines.starts.iter().zip(operands.integer_result()) {
            let at = |index: usize| start + index * lines.stride;
            let better = |best, index| {
                if precedes(x, largest, at(index), at(best)) { index } else { best }
            };
            *result = (1..lines.extent).fold(0, better) as i64;
        }
    })
}

pub(crate) fn top_k(parameters: &TopK, shape: &[usize]) -> Operation {
    let TopK { axis, k, largest } = *parameters;
    let lines = Lines::along(axis, shape);
    let result_lines = Lines::along(axis, &with_extent(shape, axis, k));
    Operation::new(move |operands| {
        let x = operands.input(0);
        let (values, indices) = operands.result_and_indices();
        for (start, result_start) in lines.starts.iter().zip(&result_lines.starts) {
            let at = |index: i64| start + index as usize * lines.stride;
            let mut best = Best {
                slots: indices,
                start: *result_start,
                stride: result_lines.stride,
                len: k,
                precedes: |a, b| precedes(x, largest, at(a), at(b)),
            };
            best.select(lines.extent, |from, worst| match x {
                Elements::F32(x) if lines.stride == 1 => {
                    let line = &x[*start..start + lines.extent];
                    candidate(line, from as usize, line[worst as usize], largest) as i64
                }
                _ => from,
            });
            for target in result_lines.offsets(*result_start) {
                let source = at(indices[target]);
                match (x, &mut *values) {
                    (Elements::F32(x), ElementsMut::F32(values)) => values[target] = x[source],
                    (Elements::I64(x), ElementsMut::I64(values)) => values[target] = x[source],
                    _ => unreachable!("the result was inferred to be of the operand's type"),
                }
            }
        }
    })
}

/// The first index from `from` on whose element may precede this one, or the length of the line.
fn candidate(line: &[f32], from: usize, worst: f32, largest: bool) -> usize {
    let found = match largest {
        true => position(&line[from..], |x| x > worst || x.is_nan()),
        false => position(&line[from..], |x| x < worst || worst.is_nan()),
    };
    found.map_or(line.len(), |found| from + found)
}

/// The first element for which this holds. Whole chunks are looked through by vectors.
fn position(elements: &[f32], holds: impl Fn(f32) -> bool) -> Option<usize> {
    const CHUNK: usize = 64;
    let any = |chunk: &&[f32; CHUNK]| chunk.iter().fold(false, |any, x| any | holds(*x));
    let skipped = CHUNK * elements.as_chunks().0.iter().take_while(|chunk| !any(chunk)).count();
    let found = elements[skipped..].iter().position(|x| holds(*x));
    found.map(|found| skipped + found)
}

/// The best indices so far, in the line of the result that they are for, so that no other memory is
/// needed: a binary heap whose root comes last of them.
struct Best<'a, F> {
    slots: &'a mut [i64],
    start: usize,
    stride: usize,
    len: usize,
    precedes: F,
}

impl<F: Fn(i64, i64) -> bool> Best<'_, F> {
    /// Leaves the first `len` of the indices below `extent`, in order. `next` is the first index from one on that may
    /// precede another.
    fn select(&mut self, extent: usize, next: impl Fn(i64, i64) -> i64) {
        if self.len == 0 {
            return;
        }
        for slot in 0..self.len {
            self.put(slot, slot as i64);
        }
        for slot in (0..self.len / 2).rev() {
            self.sift_down(slot, self.len);
        }
        let mut index = next(self.len as i64, self.get(0));
        while index < extent as i64 {
            if (self.precedes)(index, self.get(0)) {
                self.put(0, index);
                self.sift_down(0, self.len);
            }
            index = next(index + 1, self.get(0));
        }
        for last in (1..self.len).rev() {
            self.swap(0, last);
            self.sift_down(0, last);
        }
    }

    /// Restores the heap of the first `len` slots where only `slot` may precede a child.
    fn sift_down(&mut self, mut slot: usize, len: usize) {
        loop {
            let children = 2 * slot + 1..len.min(2 * slot + 3);
            let last = children.reduce(|a, b| if self.is_before(a, b) { b } else { a });
            let Some(child) = last.filter(|child| self.is_before(slot, *child)) else { return };
            self.swap(slot, child);
            slot = child;
        }
    }

    fn is_before(&self, a: usize, b: usize) -> bool {
        (self.precedes)(self.get(a), self.get(b))
    }

    fn get(&self, slot: usize) -> i64 {
        self.slots[self.start + slot * self.stride]
    }

    fn put(&mut self, slot: usize, index: i64) {
        self.slots[self.start + slot * self.stride] = index;
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.slots.swap(self.start + a * self.stride, self.start + b * self.stride);
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use super::*;
    use crate::evaluate::{evaluate, single};

    fn x() -> HostTensor {
        HostTensor::from_f32([2, 3], vec![5.0, 7.0, 5.0, 1.0, 0.0, 1.0])
    }

    #[test]
    fn choice_broadcasts_all_three() {
        let condition = HostTensor::from_bool([2, 1], vec![true, false]);
        let a = HostTensor::from_i64([2], vec![1, 2]);
        let b = HostTensor::from_i64([], vec![9]);
        let expected = HostTensor::from_i64([2, 2], vec![1, 2, 9, 9]);
        assert_eq!(single(Operator::Where, &[&condition, &a, &b]), expected);
    }

    #[test]
    fn the_first_of_equals_is_the_extremum() {
        let of = |axis, largest| single(Operator::ArgExtremum { axis, largest }, &[&x()]);
        assert_eq!(of(1, true), HostTensor::from_i64([2, 1], vec![1, 0]));
        assert_eq!(of(1, false), HostTensor::from_i64([2, 1], vec![0, 1]));
        assert_eq!(of(0, true), HostTensor::from_i64([1, 3], vec![0, 0, 0]));
    }

    fn top_k(axis: usize, k: usize, largest: bool, x: &HostTensor) -> [HostTensor; 2] {
        let operator = Operator::TopK(TopK { axis, k, largest });
        evaluate(&operator, &[x]).try_into().expect("there are two results")
    }

    #[test]
    fn top_k_is_sorted_and_stable() {
        let [largest, indices] = top_k(1, 2, true, &x());
        assert_eq!(largest, HostTensor::from_f32([2, 2], vec![7.0, 5.0, 1.0, 1.0]));
        assert_eq!(indices, HostTensor::from_i64([2, 2], vec![1, 0, 0, 2]));
        let [smallest, indices] = top_k(0, 2, false, &x());
        assert_eq!(smallest, HostTensor::from_f32([2, 3], vec![1.0, 0.0, 1.0, 5.0, 7.0, 5.0]));
        assert_eq!(indices, HostTensor::from_i64([2, 3], vec![1, 1, 1, 0, 0, 0]));
    }

    /// Every `k` of a line with many equal elements and NaN, against a stable sort.
    #[test]
    fn top_k_is_the_start_of_a_stable_sort() {
        let numbers = |len: usize| {
            (0..len).map(move |i| match i * 29 % 41 % 11 {
                10 => f32::NAN,
                rest => rest as f32,
            })
        };
        // Short ones, and such that whole chunks are skipped in.
        for line in [numbers(41).collect::<Vec<f32>>(), numbers(200).collect()] {
            check_every_k(&line);
        }
    }

    fn check_every_k(line: &[f32]) {
        let ascending = |a: &usize, b: &usize| {
            let [a, b] = [line[*a], line[*b]];
            a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        };
        let x = HostTensor::from_f32([line.len(), 1], line.to_vec());
        for largest in [true, false] {
            let mut sorted: Vec<usize> = (0..line.len()).collect();
            sorted.sort_by(|a, b| if largest { ascending(b, a) } else { ascending(a, b) });
            for k in 0..=line.len() {
                let [values, indices] = top_k(0, k, largest, &x);
                let expected: Vec<i64> = sorted[..k].iter().map(|index| *index as i64).collect();
                assert_eq!(indices.as_i64().unwrap(), expected, "{k} of {line:?}");
                let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                let chosen: Vec<f32> = sorted[..k].iter().map(|index| line[*index]).collect();
                assert_eq!(bits(values.as_f32().unwrap()), bits(&chosen));
            }
        }
    }
}
