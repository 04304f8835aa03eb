//! Tensors of an ONNX file, widened to the graph's element types.

use framegate_backend_api::{ElementType, HostTensor, TensorData};
use framegate_onnx_proto::TensorProto;
use half::{bf16, f16};

/// ONNX's `TensorProto.DataType`, as far as detectors use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataType {
    Float,
    Uint8,
    Int8,
    Uint16,
    Int16,
    Int32,
    Int64,
    Bool,
    Float16,
    Double,
    Uint32,
    Uint64,
    Bfloat16,
    Uint4,
    Int4,
}

impl DataType {
    /// Decodes the number the file holds.
    pub(super) fn from_number(number: i64) -> Result<Self, String> {
        Ok(match number {
            1 => Self::Float,
            2 => Self::Uint8,
            3 => Self::Int8,
            4 => Self::Uint16,
            5 => Self::Int16,
            6 => Self::Int32,
            7 => Self::Int64,
            9 => Self::Bool,
            10 => Self::Float16,
            11 => Self::Double,
            12 => Self::Uint32,
            13 => Self::Uint64,
            16 => Self::Bfloat16,
            21 => Self::Uint4,
            22 => Self::Int4,
            8 => return Err("texts are not supported; remove them from the graph".to_owned()),
            17..=20 | 23 | 24 => {
                let problem = "floats of eight or four bits are not supported; use the file with weights of 16 or \
                               32 bits, or one quantised to int8";
                return Err(problem.to_owned());
            }
            14 | 15 => return Err("complex numbers are not supported".to_owned()),
            _ => {
                return Err(format!("element type {number} of the ONNX standard is not supported"));
            }
        })
    }

    /// The type that holds these elements in a graph.
    pub(super) fn element_type(self) -> ElementType {
        match self {
            Self::Float | Self::Float16 | Self::Double | Self::Bfloat16 => ElementType::F32,
            Self::Bool => ElementType::Bool,
            _ => ElementType::I64,
        }
    }

    /// The name in ONNX, in lower case.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Uint8 => "uint8",
            Self::Int8 => "int8",
            Self::Uint16 => "uint16",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Bool => "bool",
            Self::Float16 => "float16",
            Self::Double => "double",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Bfloat16 => "bfloat16",
            Self::Uint4 => "uint4",
            Self::Int4 => "int4",
        }
    }

    /// Bits that an element takes in a file.
    fn bits(self) -> usize {
        match self {
            Self::Uint4 | Self::Int4 => 4,
            Self::Uint8 | Self::Int8 | Self::Bool => 8,
            Self::Uint16 | Self::Int16 | Self::Float16 | Self::Bfloat16 => 16,
            Self::Float | Self::Int32 | Self::Uint32 => 32,
            Self::Int64 | Self::Uint64 | Self::Double => 64,
        }
    }
}

/// More axes than this are an attack; NumPy has no more either.
pub(super) const MAX_RANK: usize = 32;

/// Bytes that a tensor of `count` elements takes where they are not in fields of the message.
pub(super) fn stored_bytes(data_type: i32, count: usize) -> Result<u64, String> {
    let bits = DataType::from_number(i64::from(data_type))?.bits() as u64;
    Ok((count as u64).saturating_mul(bits).div_ceil(8))
}

/// The number of elements that a tensor of the file declares.
pub(super) fn element_count(tensor: &TensorProto) -> Result<usize, String> {
    Ok(shape_of(&tensor.name, &tensor.dims)?.iter().product())
}

/// The shape that a tensor of the file declares.
pub(super) fn shape_of(name: &str, dims: &[i64]) -> Result<Vec<usize>, String> {
    if dims.len() > MAX_RANK {
        return Err(format!("tensor `{name}` has {} axes", dims.len()));
    }
    let shape = dims
        .iter()
        .map(|extent| usize::try_from(*extent))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| format!("tensor `{name}` has a negative extent"))?;
    // An axis without elements must not hide the extents of the others.
    shape
        .iter()
        .try_fold(1_usize, |count, extent| count.checked_mul((*extent).max(1)))
        .filter(|count| *count <= isize::MAX as usize / 8)
        .ok_or_else(|| format!("tensor `{name}` is too large"))?;
    Ok(shape)
}

/// Copies a tensor out of the file.
pub(super) fn host_tensor(tensor: &TensorProto) -> Result<HostTensor, String> {
    let name = &tensor.name;
    let shape = shape_of(name, &tensor.dims)?;
    let count = shape.iter().product();
    let data_type = DataType::from_number(i64::from(tensor.data_type))
        .map_err(|problem| format!("tensor `{name}`: {problem}"))?;
    let data = if tensor.raw_data.is_empty() {
        typed_elements(tensor, data_type, count)
    } else {
        raw_elements(&tensor.raw_data, data_type, count)
    };
    if data.len() != count {
        return Err(format!("tensor `{name}` of shape {shape:?} holds {} elements", data.len()));
    }
    Ok(HostTensor::new(shape, data))
}

/// Elements stored as little-endian bytes.
fn raw_elements(bytes: &[u8], data_type: DataType, count: usize) -> TensorData {
    fn floats<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> TensorData {
        TensorData::F32(bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect())
    }
    fn integers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> i64) -> TensorData {
        TensorData::I64(bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect())
    }
    if !(bytes.len() * 8).is_multiple_of(data_type.bits()) {
        return TensorData::F32(Vec::new());
    }
    match data_type {
        DataType::Float => floats(bytes, f32::from_le_bytes),
        DataType::Double => floats(bytes, |chunk| f64::from_le_bytes(chunk) as f32),
        DataType::Float16 => floats(bytes, |chunk| f16::from_le_bytes(chunk).to_f32()),
        DataType::Bfloat16 => floats(bytes, |chunk| bf16::from_le_bytes(chunk).to_f32()),
        DataType::Uint8 => integers(bytes, |chunk| i64::from(u8::from_le_bytes(chunk))),
        DataType::Int8 => integers(bytes, |chunk| i64::from(i8::from_le_bytes(chunk))),
        DataType::Uint16 => integers(bytes, |chunk| i64::from(u16::from_le_bytes(chunk))),
        DataType::Int16 => integers(bytes, |chunk| i64::from(i16::from_le_bytes(chunk))),
        DataType::Int32 => integers(bytes, |chunk| i64::from(i32::from_le_bytes(chunk))),
        DataType::Uint32 => integers(bytes, |chunk| i64::from(u32::from_le_bytes(chunk))),
        DataType::Int64 | DataType::Uint64 => integers(bytes, i64::from_le_bytes),
        DataType::Uint4 | DataType::Int4 => nibbles(bytes.iter().copied(), data_type, count),
        DataType::Bool => TensorData::Bool(bytes.iter().map(|byte| *byte != 0).collect()),
    }
}

/// Two elements in each byte, the first in its lower half; the last half may be unused.
fn nibbles(
    bytes: impl ExactSizeIterator<Item = u8>,
    data_type: DataType,
    count: usize,
) -> TensorData {
    let odd = usize::from(bytes.len() * 2 == count + 1);
    let number = |nibble: u8| match data_type {
        DataType::Int4 if nibble > 7 => i64::from(nibble) - 16,
        _ => i64::from(nibble),
    };
    let mut elements: Vec<i64> =
        bytes.flat_map(|byte| [number(byte & 15), number(byte >> 4)]).collect();
    elements.truncate(elements.len() - odd);
    TensorData::I64(elements)
}

/// Elements stored in the field for their type; small types share `int32_data`.
fn typed_elements(tensor: &TensorProto, data_type: DataType, count: usize) -> TensorData {
    let narrow = || tensor.int32_data.iter();
    match data_type {
        DataType::Float => TensorData::F32(tensor.float_data.clone()),
        DataType::Double => TensorData::F32(tensor.double_data.iter().map(|x| *x as f32).collect()),
        DataType::Float16 => {
            TensorData::F32(narrow().map(|bits| f16::from_bits(*bits as u16).to_f32()).collect())
        }
        DataType::Bfloat16 => {
            TensorData::F32(narrow().map(|bits| bf16::from_bits(*bits as u16).to_f32()).collect())
        }
        DataType::Bool => TensorData::Bool(narrow().map(|x| *x != 0).collect()),
        DataType::Int64 => TensorData::I64(tensor.int64_data.clone()),
        DataType::Uint4 | DataType::Int4 => nibbles(narrow().map(|x| *x as u8), data_type, count),
        DataType::Uint32 | DataType::Uint64 => {
            TensorData::I64(tensor.uint64_data.iter().map(|x| *x as i64).collect())
        }
        _ => TensorData::I64(narrow().map(|x| i64::from(*x)).collect()),
    }
}
