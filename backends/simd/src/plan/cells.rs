//! How many cells values take, and what the cells of constants hold.

use framegate_backend_api::graph::Value;
use framegate_backend_api::{HostTensor, TensorData};

use super::formats::Format;
use crate::memory::{AlignedCells, cells};

/// The number of cells of this many elements in a format.
pub(super) fn blocked_cells(elements: usize, format: Format) -> usize {
    match format {
        Format::F32 => elements,
        // Two per cell: blocks are an even number of lanes wide.
        Format::Bf16 => elements / 2,
        // Four, and blocks are a multiple of four lanes wide.
        Format::Bytes => elements / 4,
    }
}

/// Four strides, if none is negative.
pub(super) fn natural(strides: &[isize]) -> Option<[usize; 4]> {
    let strides: Option<Vec<usize>> =
        strides.iter().map(|stride| usize::try_from(*stride).ok()).collect();
    strides?.try_into().ok()
}

/// The number of cells of a value in row-major order.
pub(super) fn value_cells(value: &Value) -> usize {
    cells(value.element_type, value.shape.iter().product())
}

/// The elements of a constant in the form in which a buffer holds them.
pub(super) fn constant_cells(tensor: &HostTensor) -> AlignedCells {
    let as_cells = |bytes: Vec<u8>| -> Vec<f32> {
        let (whole, rest) = bytes.as_chunks::<4>();
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        whole.iter().chain([&last]).map(|bytes| f32::from_ne_bytes(*bytes)).collect()
    };
    AlignedCells::from_slice(&match tensor.data() {
        TensorData::F32(elements) => elements.clone(),
        TensorData::I64(elements) => {
            as_cells(elements.iter().flat_map(|element| element.to_ne_bytes()).collect())
        }
        TensorData::Bool(elements) => {
            as_cells(elements.iter().map(|element| u8::from(*element)).collect())
        }
    })
}
