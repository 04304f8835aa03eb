//! Writing rows of a tensor by index.

use framegate_backend_api::graph::ScatterMode;

use crate::arithmetic::{maximum, minimum};
use crate::gather::element_index;
use crate::{Elements, ElementsMut, Operation};

pub(crate) fn scatter(mode: ScatterMode, shape: &[usize]) -> Operation {
    let (rows, row_len) = (shape[0], shape[1..].iter().product::<usize>());
    Operation::new(move |operands| {
        let indices = operands.integers(1);
        let (x, updates) = (operands.input(0), operands.input(2));
        let targets = indices.iter().enumerate().flat_map(|(update, index)| {
            let row = element_index(*index, rows);
            (0..row_len).map(move |at| (row * row_len + at, update * row_len + at))
        });
        match (x, updates, operands.result()) {
            (Elements::F32(x), Elements::F32(updates), ElementsMut::F32(result)) => {
                result.copy_from_slice(x);
                if mode == ScatterMode::Replace {
                    for (update, index) in indices.iter().enumerate() {
                        let row = element_index(*index, rows) * row_len;
                        let from = &updates[update * row_len..][..row_len];
                        result[row..][..row_len].copy_from_slice(from);
                    }
                    return;
                }
                for (to, from) in targets {
                    result[to] = floats(mode, result[to].into(), updates[from].into()) as f32;
                }
            }
            (Elements::I64(x), Elements::I64(updates), ElementsMut::I64(result)) => {
                result.copy_from_slice(x);
                for (to, from) in targets {
                    result[to] = integers(mode, result[to], updates[from]);
                }
            }
            (Elements::Bool(x), Elements::Bool(updates), ElementsMut::Bool(result)) => {
                result.copy_from_slice(x);
                targets.for_each(|(to, from)| result[to] = updates[from]);
            }
            _ => unreachable!("operands were checked to be of one type"),
        }
    })
}

fn floats(mode: ScatterMode, old: f64, update: f64) -> f64 {
    match mode {
        ScatterMode::Replace => update,
        ScatterMode::Add => old + update,
        ScatterMode::Multiply => old * update,
        ScatterMode::Max => maximum(old, update),
        ScatterMode::Min => minimum(old, update),
    }
}

fn integers(mode: ScatterMode, old: i64, update: i64) -> i64 {
    match mode {
        ScatterMode::Replace => update,
        ScatterMode::Add => old.wrapping_add(update),
        ScatterMode::Multiply => old.wrapping_mul(update),
        ScatterMode::Max => old.max(update),
        ScatterMode::Min => old.min(update),
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use super::*;
    use crate::evaluate::single;

    fn scattered(mode: ScatterMode) -> Vec<i64> {
        let x = HostTensor::from_i64([3, 2], vec![1, 2, 3, 4, 5, 6]);
        let indices = HostTensor::from_i64([3], vec![-1, 0, -1]);
        let updates = HostTensor::from_i64([3, 2], vec![10, 1, 20, 2, 3, 7]);
        single(Operator::Scatter(mode), &[&x, &indices, &updates]).as_i64().unwrap().to_vec()
    }

    #[test]
    fn rows_of_floats_are_replaced_in_order() {
        let x = HostTensor::from_f32([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let indices = HostTensor::from_i64([3], vec![-1, 0, -1]);
        let updates = HostTensor::from_f32([3, 2], vec![10.0, 1.0, 20.0, 2.0, 3.0, 7.0]);
        let scatter = Operator::Scatter(ScatterMode::Replace);
        let result = single(scatter, &[&x, &indices, &updates]);
        assert_eq!(result.as_f32().unwrap(), [20.0, 2.0, 3.0, 4.0, 3.0, 7.0]);
    }

    #[test]
    fn rows_are_written_in_order() {
        assert_eq!(scattered(ScatterMode::Replace), [20, 2, 3, 4, 3, 7]);
        assert_eq!(scattered(ScatterMode::Add), [21, 4, 3, 4, 18, 14]);
        assert_eq!(scattered(ScatterMode::Multiply), [20, 4, 3, 4, 150, 42]);
        assert_eq!(scattered(ScatterMode::Max), [20, 2, 3, 4, 10, 7]);
        assert_eq!(scattered(ScatterMode::Min), [1, 2, 3, 4, 3, 1]);
    }
}
