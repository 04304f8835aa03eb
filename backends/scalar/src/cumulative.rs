//! Sums that run along an axis.

use crate::indexing::Lines;
use crate::{Elements, ElementsMut, Operation};

pub(crate) fn cumulative_sum(
    axis: usize,
    exclusive: bool,
    reverse: bool,
    shape: &[usize],
) -> Operation {
    let lines = Lines::along(axis, shape);
    Operation::new(move |operands| {
        let x = operands.input(0);
        let result = operands.result();
        match (x, result) {
            (Elements::F32(x), ElementsMut::F32(result)) => {
                let add = |sum: f64, element: f32| sum + f64::from(element);
                run(&lines, [exclusive, reverse], x, result, add, |sum| sum as f32);
            }
            (Elements::I64(x), ElementsMut::I64(result)) => {
                run(&lines, [exclusive, reverse], x, result, i64::wrapping_add, |sum| sum);
            }
            _ => unreachable!("operand was checked to be a number"),
        }
    })
}

fn run<T: Copy, S: Copy + Default>(
    lines: &Lines,
    [exclusive, reverse]: [bool; 2],
    x: &[T],
    result: &mut [T],
    add: impl Fn(S, T) -> S,
    store: impl Fn(S) -> T,
) {
    for start in &lines.starts {
        let mut sum = S::default();
        for step in 0..lines.extent {
            let position = if reverse { lines.extent - 1 - step } else { step };
            let at = start + position * lines.stride;
            let before = sum;
            sum = add(sum, x[at]);
            result[at] = store(if exclusive { before } else { sum });
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use crate::evaluate::single;

    fn sums(axis: usize, exclusive: bool, reverse: bool) -> Vec<i64> {
        let x = HostTensor::from_i64([2, 3], vec![1, 2, 3, 4, 5, 6]);
        let operator = Operator::CumulativeSum { axis, exclusive, reverse };
        single(operator, &[&x]).as_i64().unwrap().to_vec()
    }

    #[test]
    fn runs_either_way_with_or_without_the_element() {
        assert_eq!(sums(1, false, false), [1, 3, 6, 4, 9, 15]);
        assert_eq!(sums(1, true, false), [0, 1, 3, 0, 4, 9]);
        assert_eq!(sums(1, false, true), [6, 5, 3, 15, 11, 6]);
        assert_eq!(sums(0, true, true), [4, 5, 6, 0, 0, 0]);
    }
}
