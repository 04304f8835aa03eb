//! A detector loaded on a backend: what users of the library, the commands and the benchmarks share.
//!
//! ```text
//! model ─ read_detector ─▶ Detector ─┐
//! backend ───────────────────────────┴─ LoadedPipeline ─▶ Pipeline, engine, bench
//! ```

mod error;
mod load;
mod options;

use std::path::Path;
use std::sync::Arc;

use framegate_backend_api::{Backend, DeviceInfo, InputBatch, OutputBatch};
use framegate_models::Detector;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::backends;
use crate::engine::{FinishedFrame, FrameError, FrameResult, Offline, SourceFrame, panics};
use crate::reading::{CodeReader, FrameView};
use crate::stages::{
    BoxStage, DecodeError, Preprocessed, Preprocessor, RgbImage, Selection, Stage,
};

pub use error::PipelineError;
pub(crate) use load::lasting_session;
pub use load::{LoadedPipeline, read_detector};
pub use options::PipelineOptions;

/// A detector that is loaded and ready: JPEGs in, detections out.
///
/// ```
/// use framegate::{Pipeline, PipelineOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut pipeline = Pipeline::load("codes", &PipelineOptions::default())?;
/// let result = pipeline.detect(&std::fs::read("docs/codes.jpg")?)?;
/// let first = &result.detections[0];
/// println!("{} at {:.0}, {:.0} on {}", first.label, first.x, first.y, pipeline.device().name);
/// # Ok(())
/// # }
/// ```
pub struct Pipeline {
    loaded: LoadedPipeline,
    backend: &'static str,
    device: DeviceInfo,
    options: PipelineOptions,
    selection: Arc<Selection>,
    reader: Option<CodeReader>,
    pool: Arc<ThreadPool>,
    preprocessor: Preprocessor,
    /// Room for one image.
    input: InputBatch,
    outputs: OutputBatch,
}

impl Pipeline {
    /// Reads the model and loads it on the backend that the options name, by default the best that
    /// runs here. `model` is the path of an ONNX file, or `codes` for the built-in model.
    ///
    /// # Errors
    /// [`PipelineError`] when the model cannot be read or the backend cannot run it.
    pub fn load(model: impl AsRef<Path>, options: &PipelineOptions) -> Result<Self, PipelineError> {
        let detector = read_detector(model.as_ref(), options)?;
        let selected = backends::select(options.backend.as_ref(), &options.backend_options)?;
        Self::assemble(detector, selected.backend.as_ref(), selected.device, options)
    }

    /// Reads the model and loads it on `backend`, which may be one of your own;
    /// [`PipelineOptions::backend`] is ignored.
    ///
    /// # Errors
    /// [`PipelineError`] when the model cannot be read or the backend cannot run it.
    pub fn load_on(
        model: impl AsRef<Path>,
        backend: &dyn Backend,
        options: &PipelineOptions,
    ) -> Result<Self, PipelineError> {
        let detector = read_detector(model.as_ref(), options)?;
        let device = backend.probe()?;
        Self::assemble(detector, backend, device, options)
    }

    fn assemble(
        detector: Detector,
        backend: &dyn Backend,
        device: DeviceInfo,
        options: &PipelineOptions,
    ) -> Result<Self, PipelineError> {
        let pool = ThreadPoolBuilder::new().num_threads(options.threads).build()?;
        let loaded = LoadedPipeline::load(detector, backend, options)?;
        Ok(Self {
            preprocessor: Preprocessor::new(&loaded.detector.input, options.decode),
            input: InputBatch::new(loaded.detector.model.graph.image_shape(), 1),
            outputs: OutputBatch::default(),
            backend: backend.name(),
            device,
            options: options.clone(),
            selection: Arc::new(options.selection()),
            reader: CodeReader::of(&loaded.detector, options.decode.limits),
            pool: Arc::new(pool),
            loaded,
        })
    }

    /// From now on reports these detections, in place of those of [`PipelineOptions::thresholds`]. What is left out
    /// suppresses no other box.
    ///
    /// ```
    /// use framegate::{Pipeline, Selection, Thresholds};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut pipeline = Pipeline::load("codes", &Default::default())?;
    /// let labels = &pipeline.detector().labels;
    /// let qr_code = labels.iter().position(|label| label == "qr_code").ok_or("no QR codes")?;
    /// let classes = Some([(qr_code, Some(0.5))].into());
    /// pipeline.select(Selection { classes, ..Selection::of_all(Thresholds::DEFAULT) });
    /// let result = pipeline.detect(&std::fs::read("docs/codes.jpg")?)?;
    /// assert!(!result.detections.is_empty());
    /// assert!(result.detections.iter().all(|found| &*found.label == "qr_code" && found.score >= 0.5));
    /// # Ok(())
    /// # }
    /// ```
    pub fn select(&mut self, selection: Selection) {
        self.selection = Arc::new(selection);
    }

    /// Detects objects in one JPEG, on the calling thread (except for the threads of the backend).
    ///
    /// # Errors
    /// [`FrameError`] when the JPEG cannot be decoded or the backend fails on it. The pipeline stays
    /// usable.
    pub fn detect(&mut self, jpeg: &[u8]) -> Result<FrameResult, FrameError> {
        let frame = self.detect_after(|preprocessor, slot| preprocessor.preprocess(jpeg, slot))?;
        Ok(self.read_codes(FrameView::Jpeg(jpeg), frame))
    }

    /// Detects objects in one decoded image, on the calling thread (except for the threads of the backend).
    ///
    /// # Errors
    /// [`FrameError`] when the image exceeds a limit or the backend fails on it. The pipeline stays
    /// usable.
    pub fn detect_image(&mut self, image: &RgbImage) -> Result<FrameResult, FrameError> {
        let detect = |preprocessor: &mut Preprocessor, slot: &mut [f32]| {
            preprocessor.preprocess_image(image, slot)
        };
        let frame = self.detect_after(detect)?;
        Ok(self.read_codes(FrameView::Image(image), frame))
    }

    fn read_codes(&self, pixels: FrameView<'_>, mut frame: FrameResult) -> FrameResult {
        if let Some(reader) = self.reader.as_ref().filter(|_| self.selection.text) {
            reader.read_offline(pixels, &mut frame);
        }
        frame
    }

    fn detect_after(
        &mut self,
        preprocess: impl FnOnce(&mut Preprocessor, &mut [f32]) -> Result<Preprocessed, DecodeError>,
    ) -> Result<FrameResult, FrameError> {
        let Self { loaded, preprocessor, input, outputs, selection, .. } = self;
        let LoadedPipeline { detector, session, boxes } = loaded;
        let slot = input.slots_mut().next().expect("there is room for one image");
        let Preprocessed { transform, mut times, .. } =
            panics::contain("preprocess", || preprocess(preprocessor, slot)).inspect_err(
                // A panic may have left its buffers half written.
                |_| *preprocessor = Preprocessor::new(&detector.input, self.options.decode),
            )??;
        input.set_len(1);
        let inferred = panics::contain("infer", || {
            times.measure(Stage::Inference, || session.infer(input, outputs))
        })?;
        inferred.map_err(FrameError::pipeline_failure)?;
        let mut detections = Vec::new();
        let found = panics::contain("boxes", || {
            let find = || boxes.detect_selected(selection, outputs, 0, &transform, &mut detections);
            times.measure(Stage::Postprocess, find)
        })?;
        found.map_err(FrameError::pipeline_failure)?;
        let tensors = boxes.tensors(outputs, 0);
        Ok(FrameResult { size: transform.frame, detections, tensors, timings: times })
    }

    /// Runs many frames, in batches and with the stages overlapping. `deliver` receives them in the
    /// order they came, one batch at a time; when it fails, the run ends.
    ///
    /// # Errors
    /// What `deliver` failed with.
    pub fn run<E: From<PipelineError>>(
        &mut self,
        frames: impl Iterator<Item = SourceFrame> + Send + 'static,
        deliver: impl FnMut(Vec<FinishedFrame>) -> Result<(), E>,
    ) -> Result<(), E> {
        let LoadedPipeline { detector, session, .. } = &mut self.loaded;
        let offline = Offline {
            boxes: BoxStage::new(detector, self.options.thresholds)
                .map_err(PipelineError::from)?
                .with_masks(self.options.masks)
                .with_selection(Arc::clone(&self.selection)),
            detector,
            reader: self.reader.as_ref().filter(|_| self.selection.text),
            pool: &self.pool,
            decode: self.options.decode,
            max_batch: self.options.max_batch,
        };
        offline.run(session.as_mut(), frames, deliver)
    }

    /// What the pipeline detects and how it reads the model's outputs.
    pub fn detector(&self) -> &Detector {
        &self.loaded.detector
    }

    /// Name of the backend that runs the model.
    pub fn backend(&self) -> &'static str {
        self.backend
    }

    /// The device that the backend runs on.
    pub fn device(&self) -> &DeviceInfo {
        &self.device
    }

    /// The options it was loaded with.
    pub fn options(&self) -> &PipelineOptions {
        &self.options
    }

    /// The threads that frames are preprocessed on.
    pub(crate) fn pool(&self) -> Arc<ThreadPool> {
        Arc::clone(&self.pool)
    }

    /// The parts, to drive the stages yourself.
    pub fn into_parts(self) -> LoadedPipeline {
        self.loaded
    }
}
