//! Matrix products.

use super::Operation;
use crate::value::{Value, map_rank, same_rank};

/// [`Operator::MatMul`](framegate_backend_api::graph::Operator::MatMul)
pub(super) fn matmul() -> Operation {
    Box::new(|mut operands, _| {
        let (a, b) = same_rank(operands.next(), operands.next());
        vec![Value::Float(map_rank!(a, a => a.matmul(b.tensor())))]
    })
}
