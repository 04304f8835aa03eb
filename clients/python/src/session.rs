//! A model by itself: tensors in, tensors out.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use framegate::RawModel;
use numpy::ndarray::{ArrayD, IxDyn};
use numpy::{PyArrayDyn, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{self, BackendError};
use crate::options::options;

/// An input or an output of a model, as its file declares it.
#[pyclass(frozen, get_all, module = "framegate._native")]
#[derive(Clone)]
pub(crate) struct Tensor {
    name: String,
    /// Each axis; `None` where the file says nothing.
    shape: Vec<Option<Extent>>,
    /// As ONNX calls it: `float`, `int64`.
    data_type: &'static str,
}

/// How long an axis is: a number, or the name of what the file leaves open.
#[derive(Clone, IntoPyObject)]
enum Extent {
    Fixed(usize),
    Open(String),
}

impl Tensor {
    fn of(
        name: &str,
        dims: &[Option<usize>],
        axis_names: &[Option<String>],
        data_type: &'static str,
    ) -> Self {
        let extent = |(extent, name): (&Option<usize>, &Option<String>)| {
            extent.map(Extent::Fixed).or_else(|| name.clone().map(Extent::Open))
        };
        let shape = dims.iter().zip(axis_names).map(extent).collect();
        Self { name: name.to_owned(), shape, data_type }
    }
}

/// A model as Python hands it over: the bytes of its file, or where that is.
#[derive(FromPyObject)]
enum ModelInput<'py> {
    Bytes(Bound<'py, PyBytes>),
    Path(PathBuf),
}

/// A loaded model.
#[pyclass(frozen, module = "framegate._native")]
pub(crate) struct Session {
    model: Mutex<RawModel>,
    #[pyo3(get)]
    input: Tensor,
    #[pyo3(get)]
    outputs: Vec<Tensor>,
    /// Inputs besides the image, which have their values from elsewhere.
    #[pyo3(get)]
    other_inputs: Vec<String>,
    #[pyo3(get)]
    metadata: std::collections::BTreeMap<String, String>,
    #[pyo3(get)]
    producer_name: String,
    #[pyo3(get)]
    graph_name: String,
    #[pyo3(get)]
    backend: &'static str,
}

/// The outputs of a run, by their names.
type Outputs<'py> = Vec<(String, Bound<'py, PyArrayDyn<f32>>)>;

#[pymethods]
impl Session {
    #[new]
    fn new(
        py: Python<'_>,
        model: ModelInput<'_>,
        backend: &str,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let options = options(backend, threads)?;
        let model = match model {
            ModelInput::Bytes(bytes) => {
                let bytes = bytes.as_bytes();
                py.detach(|| RawModel::of_bytes(bytes, &options))
            }
            ModelInput::Path(path) => py.detach(|| RawModel::open(path, &options)),
        };
        let model = model.map_err(errors::of_raw_model)?;
        let file = model.file();
        let input = file.input();
        let outputs = file.outputs().iter().map(|output| {
            let data_type = output.data_type.unwrap_or("float");
            Tensor::of(&output.name, &output.dims, &output.axis_names, data_type)
        });
        Ok(Self {
            input: Tensor::of(&input.name, &input.dims, &input.axis_names, input.data_type),
            outputs: outputs.collect(),
            other_inputs: file.other_inputs().iter().map(|input| input.name.clone()).collect(),
            metadata: file.metadata().clone(),
            producer_name: file.producer_name().to_owned(),
            graph_name: file.graph_name().to_owned(),
            backend: model.backend(),
            model: Mutex::new(model),
        })
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        tensor: PyReadonlyArrayDyn<'py, f32>,
    ) -> PyResult<Outputs<'py>> {
        let tensor = tensor.as_array();
        let outputs = py.detach(|| {
            let elements = tensor.iter().copied().collect();
            let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
            model.run(tensor.shape(), elements)
        });
        let array = |output: framegate::OutputTensor| {
            let array = ArrayD::from_shape_vec(IxDyn(&output.image_shape), output.data);
            let array = array.map_err(|error| BackendError::new_err(error.to_string()))?;
            Ok((output.name, PyArrayDyn::from_owned_array(py, array)))
        };
        outputs.map_err(errors::of_raw_model)?.into_iter().map(array).collect()
    }
}
