//! Tensors in host memory: weights, constants and the values of scalar evaluation.

/// The element types a graph's values can have.
///
/// Importing a model widens narrower types: every float becomes [`F32`], every integer [`I64`].
///
/// [`F32`]: ElementType::F32
/// [`I64`]: ElementType::I64
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// 32-bit floating point.
    F32,
    /// 64-bit signed integer: indices, shapes, class numbers.
    I64,
    /// Booleans: results of comparisons.
    Bool,
}

/// A dense row-major tensor in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    shape: Vec<usize>,
    data: TensorData,
}

/// The elements of a [`HostTensor`], row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// Elements of [`ElementType::F32`].
    F32(Vec<f32>),
    /// Elements of [`ElementType::I64`].
    I64(Vec<i64>),
    /// Elements of [`ElementType::Bool`].
    Bool(Vec<bool>),
}

impl TensorData {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(elements) => elements.len(),
            Self::I64(elements) => elements.len(),
            Self::Bool(elements) => elements.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl HostTensor {
    /// A tensor of `shape` over `data`; an empty shape is a scalar.
    ///
    /// # Panics
    /// If the number of elements is not the product of the shape.
    pub fn new(shape: impl Into<Vec<usize>>, data: TensorData) -> Self {
        let shape = shape.into();
        assert_eq!(
            shape.iter().product::<usize>(),
            data.len(),
            "shape {shape:?} does not match its number of elements"
        );
        Self { shape, data }
    }

    /// An `f32` tensor. Panics like [`HostTensor::new`].
    pub fn from_f32(shape: impl Into<Vec<usize>>, elements: Vec<f32>) -> Self {
        Self::new(shape, TensorData::F32(elements))
    }

    /// An `i64` tensor. Panics like [`HostTensor::new`].
    pub fn from_i64(shape: impl Into<Vec<usize>>, elements: Vec<i64>) -> Self {
        Self::new(shape, TensorData::I64(elements))
    }

    /// A boolean tensor. Panics like [`HostTensor::new`].
    pub fn from_bool(shape: impl Into<Vec<usize>>, elements: Vec<bool>) -> Self {
        Self::new(shape, TensorData::Bool(elements))
    }

    /// Extent of each axis, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, row-major.
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        match self.data {
            TensorData::F32(_) => ElementType::F32,
            TensorData::I64(_) => ElementType::I64,
            TensorData::Bool(_) => ElementType::Bool,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The elements of an `f32` tensor, or `None` for another type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::F32(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements of an `i64` tensor, or `None` for another type.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.data {
            TensorData::I64(elements) => Some(elements),
            _ => None,
        }
    }

    /// The same elements in another shape. Panics like [`HostTensor::new`].
    pub fn reshaped(self, shape: impl Into<Vec<usize>>) -> Self {
        Self::new(shape, self.data)
    }
}
