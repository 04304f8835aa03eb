//! Constants that a file keeps without their zeros.

use framegate_backend_api::{HostTensor, TensorData};
use framegate_onnx_proto::SparseTensorProto;

use crate::onnx::error::OnnxError;
use crate::onnx::tensor::{host_tensor, shape_of};

/// Elements of all such constants of a file together, zeros included: 256 MiB.
pub(super) const MOST_ELEMENTS: usize = 64 << 20;

/// The whole tensor. What it takes is taken off `room`, because a few bytes of a file may stand for any number of zeros.
pub(super) fn dense(sparse: &SparseTensorProto, room: &mut usize) -> Result<HostTensor, OnnxError> {
    let values = sparse.values.as_ref().ok_or_else(|| malformed("", "has no values"))?;
    let name = values.name.as_str();
    let shape = shape_of(name, &sparse.dims).map_err(OnnxError::Malformed)?;
    let count: usize = shape.iter().product();
    *room = room.checked_sub(count).ok_or_else(|| {
        OnnxError::TooMuch(format!(
            "its sparse tensors are of more than {MOST_ELEMENTS} elements together"
        ))
    })?;
    let places = places(sparse, name, &shape)?;
    let values = host_tensor(values).map_err(OnnxError::Malformed)?;
    if places.len() != values.len() || places.iter().any(|place| *place >= count) {
        return Err(malformed(name, "has values at places that it does not have"));
    }
    let data = match values.data() {
        TensorData::F32(values) => TensorData::F32(scattered(values, &places, count)),
        TensorData::I64(values) => TensorData::I64(scattered(values, &places, count)),
        TensorData::Bool(values) => TensorData::Bool(scattered(values, &places, count)),
    };
    Ok(HostTensor::new(shape, data))
}

/// The number of the element that each value is.
fn places(
    sparse: &SparseTensorProto,
    name: &str,
    shape: &[usize],
) -> Result<Vec<usize>, OnnxError> {
    let indices = sparse.indices.as_ref().ok_or_else(|| malformed(name, "has no indices"))?;
    let indices = host_tensor(indices).map_err(OnnxError::Malformed)?;
    let numbers = indices.as_i64().unwrap_or_default();
    let place = |index: &[i64]| {
        let mut place = 0_usize;
        for (number, extent) in index.iter().zip(shape) {
            let number = usize::try_from(*number).ok().filter(|number| number < extent)?;
            place = place * extent + number;
        }
        Some(place)
    };
    let places: Option<Vec<usize>> = match *indices.shape() {
        [_] => numbers.iter().map(|number| usize::try_from(*number).ok()).collect(),
        [_, axes] if axes == shape.len() && axes > 0 => numbers.chunks(axes).map(place).collect(),
        _ => None,
    };
    places.ok_or_else(|| malformed(name, "has indices that are not those of its elements"))
}

fn scattered<T: Copy + Default>(values: &[T], places: &[usize], count: usize) -> Vec<T> {
    let mut dense = vec![T::default(); count];
    for (place, value) in places.iter().zip(values) {
        dense[*place] = *value;
    }
    dense
}

fn malformed(name: &str, problem: &str) -> OnnxError {
    OnnxError::Malformed(format!("the sparse tensor `{name}` {problem}"))
}

#[cfg(test)]
mod tests {
    use framegate_onnx_proto::TensorProto;

    use super::*;

    fn sparse(indices: &[i64], index_dims: &[i64], dims: &[i64]) -> SparseTensorProto {
        let values = TensorProto {
            name: "weights".to_owned(),
            data_type: 1,
            dims: vec![2],
            float_data: vec![5.0, 7.0],
            ..TensorProto::default()
        };
        let indices = TensorProto {
            data_type: 7,
            dims: index_dims.to_vec(),
            int64_data: indices.to_vec(),
            ..TensorProto::default()
        };
        SparseTensorProto { values: Some(values), indices: Some(indices), dims: dims.to_vec() }
    }

    #[test]
    fn zeros_are_filled_in() {
        let expected = HostTensor::from_f32([2, 3], vec![0.0, 5.0, 0.0, 0.0, 0.0, 7.0]);
        for (indices, index_dims) in [(&[1, 5][..], &[2][..]), (&[0, 1, 1, 2], &[2, 2])] {
            let mut room = 6;
            let dense = dense(&sparse(indices, index_dims, &[2, 3]), &mut room);
            assert_eq!((dense.as_ref(), room), (Ok(&expected), 0));
        }
    }

    #[test]
    fn places_outside_and_too_many_zeros_are_refused() {
        for (indices, index_dims) in
            [(&[1, 6][..], &[2][..]), (&[1, -1], &[2]), (&[0, 1, 1, 3], &[2, 2]), (&[1], &[1])]
        {
            let refused = dense(&sparse(indices, index_dims, &[2, 3]), &mut 6);
            assert!(matches!(refused, Err(OnnxError::Malformed(_))), "{refused:?}");
        }
        let many = sparse(&[0, 1], &[2], &[1 << 20, 1 << 20]);
        assert!(matches!(dense(&many, &mut MOST_ELEMENTS.clone()), Err(OnnxError::TooMuch(_))));
    }
}
