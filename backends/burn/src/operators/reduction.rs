//! Operators that combine elements along axes.

use burn_tensor::kind::Ordered;
use burn_tensor::module::layer_norm;
use burn_tensor::{Tensor, activation};
use framegate_backend_api::graph::{Reduce, Reduction};

use super::{Operation, ResultShape};
use crate::value::{Ranked, Value, map_rank};

/// [`Operator::Reduce`](framegate_backend_api::graph::Operator::Reduce)
pub(super) fn reduce(options: Reduce, result: ResultShape) -> Operation {
    let Reduce { reduction, axes, .. } = options;
    Box::new(move |mut operands, batch| {
        let shape = result.of(batch);
        vec![match operands.any() {
            Value::Float(x) => combine(reduction, x, &axes).reshape(&shape).into(),
            Value::Int(x) => combine(reduction, x, &axes).reshape(&shape).into(),
            Value::Bool(x) => unreachable!("truth values cannot be reduced: {x:?}"),
        }]
    })
}

fn combine<K: Ordered>(reduction: Reduction, x: Ranked<K>, axes: &[usize]) -> Ranked<K> {
    map_rank!(x, x => combine_along(reduction, x, axes))
}

/// Reduced axes stay, with extent 1.
fn combine_along<const D: usize, K: Ordered>(
    reduction: Reduction,
    x: Tensor<D, K>,
    axes: &[usize],
) -> Tensor<D, K> {
    match reduction {
        Reduction::Sum => x.sum_dims(axes),
        // Not `mean_dims`, which rounds integers after each axis.
        Reduction::Mean => {
            let extents = x.dims();
            let count: usize = axes.iter().map(|axis| extents[*axis]).product();
            x.sum_dims(axes).div_scalar(count as i64)
        }
        Reduction::Max => x.max_dims(axes),
        Reduction::Min => x.min_dims(axes),
        Reduction::Product => x.prod_dims(axes),
    }
}

/// [`Operator::Softmax`](framegate_backend_api::graph::Operator::Softmax)
pub(super) fn softmax(axis: usize) -> Operation {
    Box::new(move |mut operands, _| {
        let x = operands.next();
        vec![Value::Float(map_rank!(x, x => activation::softmax(x, axis)))]
    })
}

/// [`Operator::LayerNormalization`](framegate_backend_api::graph::Operator::LayerNormalization)
///
/// burn normalises only the last axis, so the normalised axes are merged into one.
pub(super) fn layer_normalization(axis: usize, epsilon: f32) -> Operation {
    Box::new(move |mut operands, _| {
        let (x, scale, bias) = (operands.next(), operands.next(), operands.next());
        let shape = x.shape();
        let (outer, inner) = shape.split_at(axis);
        let (outer, inner) = (outer.iter().product(), inner.iter().product());
        let rows = x.reshape(&[outer, inner]).tensor::<2>();
        let [scale, bias] = [scale, bias].map(|values| values.reshape(&[inner]).tensor::<1>());
        let y = layer_norm(rows, scale, Some(bias), f64::from(epsilon));
        vec![Value::Float(Ranked::R2(y).reshape(&shape))]
    })
}
