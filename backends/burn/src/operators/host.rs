//! Operators that burn lacks, computed in host memory by their scalar definition.

use burn_tensor::kind::Basic;
use burn_tensor::{Device, Element};
use framegate_backend_api::graph::Operator;
use framegate_backend_api::{HostTensor, TensorData};
use framegate_scalar::evaluate;

use super::Operation;
use crate::value::{Ranked, Value, with_rank};

/// Reads the operands back, and uploads the results to where the first operand was.
pub(super) fn on_host(operator: Operator) -> Operation {
    Box::new(move |operands, _| {
        let (tensors, devices): (Vec<HostTensor>, Vec<Device>) =
            operands.all().map(downloaded).unzip();
        let results = evaluate(&operator, &tensors.iter().collect::<Vec<_>>());
        results.iter().map(|result| Value::upload(result, &devices[0])).collect()
    })
}

fn downloaded(value: Value) -> (HostTensor, Device) {
    let shape = match &value {
        Value::Float(x) => x.shape(),
        Value::Int(x) => x.shape(),
        Value::Bool(x) => x.shape(),
    };
    let (data, device) = match value {
        Value::Float(x) => elements(x, TensorData::F32),
        Value::Int(x) => elements(x, TensorData::I64),
        Value::Bool(x) => elements(x, TensorData::Bool),
    };
    (HostTensor::new(shape, data), device)
}

fn elements<K: Basic, E: Element>(
    x: Ranked<K>,
    data: fn(Vec<E>) -> TensorData,
) -> (TensorData, Device) {
    with_rank!(x, x => {
        let device = x.device();
        let elements = x.try_into_vec_as::<E>();
        (data(elements.unwrap_or_else(|error| panic!("reading a tensor back: {error}"))), device)
    })
}
