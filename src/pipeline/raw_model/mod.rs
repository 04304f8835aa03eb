//! A model by itself, without a detector around it: a tensor in, tensors out.

mod input;

use std::path::{Path, PathBuf};

use framegate_backend_api::graph::Graph;
use framegate_backend_api::{
    BackendError, InputBatch, Limits, Model, OutputBatch, OutputTensor, Session,
};
use framegate_cpu::Precision;
use framegate_models::detector::{ModelError, read_onnx_file};
use framegate_models::onnx::{ImageLayout, LeftOut, OnnxError, OnnxFile};
use framegate_models::passes;

use super::PipelineOptions;
use crate::backends::{self, Selected};
use input::{as_planes, split_batch_axis};

pub use input::InputTensorError;

/// A model file and the backend to run it on, loaded for the size of the tensors that it is given.
///
/// ```
/// use framegate::{PipelineOptions, RawModel};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut model = RawModel::open("codes", &PipelineOptions::default())?;
/// let outputs = model.run(&[1, 3, 416, 416], vec![0.0; 3 * 416 * 416])?;
/// for (declared, output) in model.file().outputs().iter().zip(&outputs) {
///     println!("{}: {:?}", declared.name, output.image_shape);
/// }
/// # Ok(())
/// # }
/// ```
pub struct RawModel {
    path: PathBuf,
    file: OnnxFile,
    layout: ImageLayout,
    selected: Selected,
    options: PipelineOptions,
    loaded: Option<Loaded>,
}

/// The model on its backend, for images of one size.
struct Loaded {
    session: Box<dyn Session>,
    input: InputBatch,
    outputs: OutputBatch,
}

/// Stands for the path of a model that has none, in errors.
const GIVEN_AS_BYTES: &str = "given as bytes";

/// Why a model cannot be run on a tensor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RawModelError {
    /// The model file cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tensor does not fit the model.
    #[error(transparent)]
    Input(#[from] InputTensorError),
    /// The backend cannot run here, or cannot run this model.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl RawModel {
    /// Reads the model at `path`, or `codes`, and selects the backend that the options name. Of the options, only
    /// the backend and the number of threads matter.
    ///
    /// # Errors
    /// [`RawModelError`], never [`RawModelError::Input`].
    pub fn open(
        path: impl Into<PathBuf>,
        options: &PipelineOptions,
    ) -> Result<Self, RawModelError> {
        let path = path.into();
        let file = read_onnx_file(&path)?;
        Self::of_file(path, file, options)
    }

    /// The same for the bytes of an ONNX file, which has its weights in itself and no sidecar.
    ///
    /// # Errors
    /// [`RawModelError`], never [`RawModelError::Input`].
    pub fn of_bytes(bytes: &[u8], options: &PipelineOptions) -> Result<Self, RawModelError> {
        let path = PathBuf::from(GIVEN_AS_BYTES);
        if bytes.is_empty() {
            return Err(ModelError::Empty { path }.into());
        }
        let parsed = OnnxFile::parse(bytes);
        let file = parsed.map_err(|problem| ModelError::Onnx { path: path.clone(), problem })?;
        Self::of_file(path, file, options)
    }

    fn of_file(
        path: PathBuf,
        file: OnnxFile,
        options: &PipelineOptions,
    ) -> Result<Self, RawModelError> {
        let layout = file
            .image_layout()
            .map_err(|problem| ModelError::Onnx { path: path.clone(), problem })?;
        let selected = backends::select(options.backend.as_ref(), &options.backend_options)?;
        Ok(Self { path, file, layout, selected, options: options.clone(), loaded: None })
    }

    /// The file, with its inputs and outputs.
    pub fn file(&self) -> &OnnxFile {
        &self.file
    }

    /// The model's path; of one that was given as bytes, a phrase that says so.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name of the backend that runs the model.
    pub fn backend(&self) -> &'static str {
        self.selected.backend.name()
    }

    /// Runs the model on a tensor: one image or a batch of them, in the axes of the file or as
    /// `[channels, height, width]`. The outputs have shapes for the whole batch, and elements of `f32` whatever
    /// their type in the file. Outputs that cannot be computed are left out, with a warning in the log. The first tensor of
    /// a size takes longer: the model is loaded for it and, for int8, calibrated on it.
    ///
    /// # Errors
    /// [`RawModelError`]; the next tensor may still be run.
    pub fn run(
        &mut self,
        shape: &[usize],
        elements: Vec<f32>,
    ) -> Result<Vec<OutputTensor>, RawModelError> {
        let (batch, image_shape) = split_batch_axis(shape)?;
        if elements.len() != shape.iter().product::<usize>() {
            return Err(InputTensorError::ElementCount {
                shape: shape.to_vec(),
                elements: elements.len(),
            }
            .into());
        }
        let (image_shape, elements) = as_planes(image_shape, elements, self.layout);
        self.load(image_shape, batch, &elements)?;
        let Loaded { session, input, outputs } = self.loaded.as_mut().expect("it was just loaded");
        let images = elements.chunks_exact(image_shape.iter().product());
        for (slot, image) in input.slots_mut().zip(images) {
            slot.copy_from_slice(image);
        }
        input.set_len(batch);
        session.infer(input, outputs)?;
        let for_batch = |output: &OutputTensor| OutputTensor {
            image_shape: batch_shape(output, batch),
            ..output.clone()
        };
        Ok(outputs.tensors.iter().map(for_batch).collect())
    }

    /// The session and the buffers of the last run, to repeat it.
    pub(crate) fn last_run(&mut self) -> Option<(&mut dyn Session, &InputBatch, &mut OutputBatch)> {
        let Loaded { session, input, outputs } = self.loaded.as_mut()?;
        Some((session.as_mut(), input, outputs))
    }

    /// The graph for images of this size, without outputs that cannot be computed, such as the key points of Keypoint
    /// R-CNN.
    fn graph(&self, height: usize, width: usize) -> Result<Graph, RawModelError> {
        let whole = self.file.graph(height, width).or_else(|problem| {
            let OnnxError::Node { .. } = &problem else { return Err(problem) };
            let Ok((graph, left_out)) = self.file.partial_graph(height, width) else {
                return Err(problem);
            };
            for LeftOut { output, problem } in left_out {
                tracing::warn!(output, %problem, "an output is left out, because it cannot be computed");
            }
            Ok(graph)
        });
        Ok(whole.map_err(|problem| ModelError::Onnx { path: self.path.clone(), problem })?)
    }

    /// Loads the model for batches of images of this shape, unless it is loaded for them already.
    fn load(
        &mut self,
        image_shape: [usize; 3],
        batch: usize,
        elements: &[f32],
    ) -> Result<(), RawModelError> {
        let is_loaded = self.loaded.as_ref().is_some_and(|Loaded { input, .. }| {
            input.image_shape() == image_shape && input.capacity() >= batch
        });
        if is_loaded {
            return Ok(());
        }
        let [_, height, width] = image_shape;
        let graph = self.graph(height, width)?;
        if graph.image_shape() != image_shape {
            let expected = graph.image_shape().to_vec();
            return Err(InputTensorError::OtherShape { expected, found: image_shape }.into());
        }
        let mut model = Model {
            name: self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            graph: passes::optimise(graph),
            metadata: self.file.metadata().clone(),
        };
        let threads = self.options.threads;
        if self.options.precision() == Precision::Int8 {
            let images = elements.chunks(elements.len() / batch.max(1));
            let images: Vec<Vec<f32>> = images.map(<[f32]>::to_vec).collect();
            model = backends::quantise(&self.options.backend_options, &model, &images, threads)?;
        }
        let limits = Limits { max_batch: batch, threads };
        self.loaded = Some(Loaded {
            session: self.selected.backend.load(&model, &limits)?,
            input: InputBatch::new(image_shape, batch),
            outputs: OutputBatch::default(),
        });
        Ok(())
    }
}

/// Shape of an output for the whole batch. Where the shape for one image has no batch axis, a batch of
/// several images gets one in front.
fn batch_shape(output: &OutputTensor, batch: usize) -> Vec<usize> {
    match output.image_shape.as_slice() {
        [1, rest @ ..] => [&[batch][..], rest].concat(),
        whole if batch > 1 => [&[batch][..], whole].concat(),
        whole => whole.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_read_from_its_bytes_or_refused_in_words() {
        let options = PipelineOptions {
            backend: Some("null".parse().unwrap()),
            ..PipelineOptions::default()
        };
        let bytes = include_bytes!("../../../models/codes/codes.onnx");
        let model = RawModel::of_bytes(bytes, &options).unwrap();
        let same = RawModel::open("codes", &options).unwrap();
        let names = |model: &RawModel| -> Vec<String> {
            model.file().outputs().iter().map(|output| output.name.clone()).collect()
        };
        assert_eq!(names(&model), names(&same));
        let refused = |bytes| RawModel::of_bytes(bytes, &options).err().unwrap().to_string();
        assert!(refused(b"").starts_with("the model given as bytes is empty"));
        assert!(refused(b"no model").starts_with("the model given as bytes: "));
    }

    #[test]
    fn outputs_of_several_images_have_a_batch_axis() {
        for (image_shape, batch, expected) in [
            (&[1, 4, 5][..], 3, &[3, 4, 5][..]),
            (&[1, 4, 5], 1, &[1, 4, 5]),
            (&[4, 5], 3, &[3, 4, 5]),
            (&[4, 5], 1, &[4, 5]),
            (&[], 3, &[3]),
            (&[], 1, &[]),
        ] {
            let image_shape = image_shape.to_vec();
            let elements = batch * image_shape.iter().product::<usize>();
            let output =
                OutputTensor { name: "y".to_owned(), image_shape, data: vec![0.0; elements] };
            assert_eq!(batch_shape(&output, batch), expected);
            assert_eq!(expected.iter().product::<usize>(), elements);
        }
    }
}
