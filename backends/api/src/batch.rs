//! The buffers that cross the boundary: images in, raw outputs out. Callers reuse both.

use crate::BackendError;
use crate::graph::{Graph, Value};

/// A batch of input tensors of one shape, image after image, each row-major.
///
/// Room for `capacity` images is allocated once; [`InputBatch::set_len`] says how many are in the batch.
#[derive(Debug, Clone)]
pub struct InputBatch {
    image_shape: Vec<usize>,
    image_len: usize,
    len: usize,
    data: Vec<f32>,
}

impl InputBatch {
    /// An empty batch with room for `capacity` images of `image_shape`: the shape without the batch axis,
    /// `[3, height, width]` for RGB. Every element starts as zero.
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

    /// Whether the batch has no images.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of images that fit.
    pub fn capacity(&self) -> usize {
        self.data.len().checked_div(self.image_len).unwrap_or(0)
    }

    /// Makes the first `len` slots the batch.
    ///
    /// # Panics
    /// If `len` exceeds the capacity.
    pub fn set_len(&mut self, len: usize) {
        assert!(len <= self.capacity(), "batch of {len} exceeds its buffer");
        self.len = len;
    }

    /// The elements of all images in the batch.
    pub fn data(&self) -> &[f32] {
        &self.data[..self.len * self.image_len]
    }

    /// The elements of image `index`.
    ///
    /// # Panics
    /// If the batch has no such image.
    pub fn image(&self, index: usize) -> &[f32] {
        &self.data()[index * self.image_len..][..self.image_len]
    }

    /// Every slot up to the capacity, to fill in place, in parallel if need be.
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

/// Every graph output for a batch. Callers reuse it from call to call.
#[derive(Debug, Clone, Default)]
pub struct OutputBatch {
    /// The outputs, in the order of the graph's outputs.
    pub tensors: Vec<OutputTensor>,
}

impl OutputBatch {
    /// The names and shapes of a graph's outputs, without elements.
    pub fn declared_by(graph: &Graph) -> Self {
        let declared = |value: &Value| OutputTensor {
            name: value.name.clone(),
            image_shape: value.shape.clone(),
            data: Vec::new(),
        };
        Self { tensors: graph.outputs.iter().map(|id| declared(graph.value(*id))).collect() }
    }
}

/// One graph output for a batch, as `f32` whatever its type in the graph.
#[derive(Debug, Clone, Default)]
pub struct OutputTensor {
    /// The output's name in the model file.
    pub name: String,
    /// Shape for a single image, as in the file: the first axis is the batch axis, of extent 1.
    pub image_shape: Vec<usize>,
    /// Elements, image after image: `batch × product(image_shape)`.
    pub data: Vec<f32>,
}

impl OutputTensor {
    /// The elements that belong to image `index`.
    ///
    /// # Panics
    /// If the batch has no such image.
    pub fn image(&self, index: usize) -> &[f32] {
        let image_len = self.image_shape.iter().product::<usize>();
        &self.data[index * image_len..][..image_len]
    }
}
