//! The buffers that cross the boundary: images in, raw outputs out. Both are meant to be reused.

use crate::BackendError;
use crate::graph::{Graph, Value};

/// A batch of input tensors of one shape, each image's elements together, row-major.
///
/// Room for `capacity` images is allocated once; [`InputBatch::set_len`] says how many are filled.
#[derive(Debug, Clone)]
pub struct InputBatch {
    image_shape: Vec<usize>,
    image_len: usize,
    len: usize,
    data: Vec<f32>,
}

impl InputBatch {
    /// Room for `capacity` images of `image_shape` (without the batch axis; `[3, height, width]` for
    /// images), all zeros, with no image in it yet.
    pub fn new(image_shape: impl Into<Vec<usize>>, capacity: usize) -> Self {
        let image_shape = image_shape.into();
        let image_len = image_shape.iter().product::<usize>();
        Self { data: vec![0.0; image_len * capacity], image_shape, image_len, len: 0 }
    }

    /// Shape of one image, without the batch axis.
    pub fn image_shape(&self) -> &[usize] {
        &self.image_shape
    }

    /// Number of images in the batch.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the batch holds no image.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of images there is room for.
    pub fn capacity(&self) -> usize {
        self.data.len().checked_div(self.image_len).unwrap_or(0)
    }

    /// Declares the first `len` slots to be the batch.
    ///
    /// # Panics
    /// When `len` exceeds the capacity.
    pub fn set_len(&mut self, len: usize) {
        assert!(len <= self.capacity(), "batch of {len} exceeds its buffer");
        self.len = len;
    }

    /// The elements of all images in the batch.
    pub fn data(&self) -> &[f32] {
        &self.data[..self.len * self.image_len]
    }

    /// The elements of image `index`. Panics when it is not in the batch.
    pub fn image(&self, index: usize) -> &[f32] {
        &self.data()[index * self.image_len..][..self.image_len]
    }

    /// Every slot up to the capacity, to be filled in place, in parallel if wished.
    pub fn slots_mut(&mut self) -> std::slice::ChunksExactMut<'_, f32> {
        self.data.chunks_exact_mut(self.image_len.max(1))
    }

    /// Checks that a session loaded for `image_shape` and `max_batch` can take this batch.
    ///
    /// # Errors
    /// [`BackendError::WrongInput`].
    pub fn check(&self, image_shape: &[usize], max_batch: usize) -> Result<(), BackendError> {
        if self.image_shape == image_shape && (1..=max_batch).contains(&self.len) {
            return Ok(());
        }
        Err(BackendError::WrongInput {
            expected: format!("1 to {max_batch} images of {image_shape:?}"),
            got: format!("{} of {:?}", self.len, self.image_shape),
        })
    }
}

/// Every graph output for a batch, in the graph's order. Reused from call to call.
#[derive(Debug, Clone, Default)]
pub struct OutputBatch {
    /// The outputs, in the order of the graph's outputs.
    pub tensors: Vec<OutputTensor>,
}

impl OutputBatch {
    /// The outputs of a graph by name and shape, with no element in them yet.
    pub fn declared_by(graph: &Graph) -> Self {
        let declared = |value: &Value| OutputTensor {
            name: value.name.clone(),
            image_shape: value.shape.clone(),
            data: Vec::new(),
        };
        Self { tensors: graph.outputs.iter().map(|id| declared(graph.value(*id))).collect() }
    }
}

/// One graph output for a batch, converted to `f32` whatever its type in the graph.
#[derive(Debug, Clone, Default)]
pub struct OutputTensor {
    /// The output's name in the model file.
    pub name: String,
    /// Shape for a single image, as in the file: its first axis is the batch axis, of extent 1.
    pub image_shape: Vec<usize>,
    /// Elements, each image's together: `batch × product(image_shape)`.
    pub data: Vec<f32>,
}

impl OutputTensor {
    /// The elements that belong to image `index`. Panics when it is not in the batch.
    pub fn image(&self, index: usize) -> &[f32] {
        let image_len = self.image_shape.iter().product::<usize>();
        &self.data[index * image_len..][..image_len]
    }
}
