//! A detector in this process.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use framegate::{Pipeline, PipelineOptions, Selection, Size, Thresholds};
use pyo3::prelude::*;

use crate::errors;
use crate::found::Found;
use crate::image::{FrameInput, FrameView, order_of};
use crate::options::options;

/// A loaded pipeline. Calls from several threads wait for each other, without holding the interpreter.
#[pyclass(frozen, module = "framegate._native")]
pub(crate) struct Detector {
    pipeline: Mutex<Pipeline>,
    #[pyo3(get)]
    labels: Vec<String>,
    /// Width and height of the model's input.
    #[pyo3(get)]
    input_size: (usize, usize),
    #[pyo3(get)]
    backend: &'static str,
    #[pyo3(get)]
    device: String,
    /// Facts about the model that were guessed.
    #[pyo3(get)]
    guesses: Vec<String>,
}

#[pymethods]
impl Detector {
    #[new]
    #[pyo3(signature = (model, *, backend, labels, input_size, masks, threads, max_batch))]
    #[expect(clippy::too_many_arguments, reason = "they are named in Python")]
    fn new(
        py: Python<'_>,
        model: PathBuf,
        backend: &str,
        labels: Option<PathBuf>,
        input_size: Option<(usize, usize)>,
        masks: bool,
        threads: Option<usize>,
        max_batch: usize,
    ) -> PyResult<Self> {
        let options = PipelineOptions {
            labels,
            input_size: input_size.map(|(width, height)| Size { width, height }),
            masks,
            max_batch,
            ..options(backend, threads)?
        };
        let pipeline =
            py.detach(|| Pipeline::load(model, &options)).map_err(errors::of_pipeline)?;
        let detector = pipeline.detector();
        Ok(Self {
            labels: detector.labels.clone(),
            input_size: (detector.input.width, detector.input.height),
            guesses: detector.guesses.clone(),
            backend: pipeline.backend(),
            device: pipeline.device().name.clone(),
            pipeline: Mutex::new(pipeline),
        })
    }

    /// Reports these detections from now on.
    fn select(
        &self,
        py: Python<'_>,
        conf: f32,
        iou: f32,
        max_det: usize,
        text: bool,
        classes: Option<BTreeMap<usize, Option<f32>>>,
    ) {
        let thresholds = Thresholds { confidence: conf, iou };
        let selection = Selection { thresholds, max_detections: max_det, classes, text };
        py.detach(|| self.with(|pipeline| pipeline.select(selection)));
    }

    fn detect(&self, py: Python<'_>, frame: FrameInput<'_>, bgr: bool) -> PyResult<Found> {
        let view = frame.view(order_of(bgr));
        let result = py.detach(|| self.with(|pipeline| pipeline.detect_frame(view.frame())));
        Found::new(py, result.map_err(|error| errors::of_frame(&error))?)
    }

    /// A frame that fails has its exception in place of its detections.
    fn detect_batch(
        &self,
        py: Python<'_>,
        frames: Vec<FrameInput<'_>>,
        bgr: bool,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let views: Vec<FrameView<'_>> =
            frames.iter().map(|frame| frame.view(order_of(bgr))).collect();
        let results = py.detach(|| {
            let frames: Vec<_> = views.iter().map(FrameView::frame).collect();
            self.with(|pipeline| pipeline.detect_batch(&frames))
        });
        let found = |result| match result {
            Ok(result) => Ok(Py::new(py, Found::new(py, result)?)?.into_any()),
            Err(error) => Ok(errors::of_frame(&error).into_value(py).into_any()),
        };
        results.into_iter().map(found).collect()
    }
}

impl Detector {
    /// Lends the pipeline. Its own buffers survive a panic.
    fn with<T>(&self, use_it: impl FnOnce(&mut Pipeline) -> T) -> T {
        use_it(&mut self.pipeline.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
