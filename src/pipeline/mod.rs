//! A detector loaded on a backend: what users of the library, the commands and the benchmarks share.
//!
//! ```text
//! model ─ read_detector ─▶ Detector ─┐
//! backend ───────────────────────────┴─ LoadedPipeline ─▶ Pipeline, engine, bench
//! ```

mod calibration;
mod error;
mod load;
mod options;
mod raw_model;
mod tiles;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use framegate_backend_api::{Backend, DeviceInfo, InputBatch, OutputBatch};
use framegate_models::Detector;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tracing::Span;

use crate::backends;
use crate::engine::reading::TextReader;
use crate::engine::{
    BatchImage, FinishedFrame, Frame, FrameError, FrameResult, LoadedPipeline, Offline,
    Preprocessors, SourceFrame, detect, infer,
};
use crate::stages::{BoxStage, Preprocessed, RgbImage, Selection};

pub use crate::engine::reading::ReadOptions;
pub use error::PipelineError;
pub use load::read_detector;
pub use options::{MAX_BATCH, MAX_THREADS, PipelineOptions};
pub use raw_model::{InputTensorError, RawModel, RawModelError};

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
    pool: Arc<ThreadPool>,
    preprocessors: Preprocessors,
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
        let (loaded, on) = LoadedPipeline::load_on_fastest(detector, &Arc::new(selected), options)?;
        Self::assemble(loaded, on.backend.name(), on.device.clone(), options)
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
        let loaded = LoadedPipeline::load(detector, backend, options)?;
        Self::assemble(loaded, backend.name(), device, options)
    }

    fn assemble(
        loaded: LoadedPipeline,
        backend: &'static str,
        device: DeviceInfo,
        options: &PipelineOptions,
    ) -> Result<Self, PipelineError> {
        let pool = ThreadPoolBuilder::new().num_threads(options.threads).build()?;
        Ok(Self {
            preprocessors: Preprocessors::new(&loaded.detector.input, options.decode),
            input: InputBatch::new(loaded.detector.model.graph.image_shape(), 1),
            outputs: OutputBatch::default(),
            backend,
            device,
            options: options.clone(),
            selection: Arc::new(options.selection(&loaded.detector.labels)?),
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
        self.detect_frame(Frame::Jpeg(jpeg))
    }

    /// Detects objects in one decoded image, on the calling thread (except for the threads of the backend).
    ///
    /// # Errors
    /// [`FrameError`] when the image exceeds a limit or the backend fails on it. The pipeline stays
    /// usable.
    pub fn detect_image(&mut self, image: &RgbImage) -> Result<FrameResult, FrameError> {
        self.detect_frame(Frame::Image(image))
    }

    /// Detects objects in one frame of any form, on the calling thread (except for the threads of the backend).
    ///
    /// # Errors
    /// [`FrameError`] when the frame cannot be decoded, exceeds a limit, or the backend fails on it. The pipeline
    /// stays usable.
    pub fn detect_frame(&mut self, frame: Frame<'_>) -> Result<FrameResult, FrameError> {
        if let Some(tiling) = self.options.tiles {
            return self.detect_in_tiles(frame, tiling);
        }
        self.make_room(1);
        let slot = self.input.slots_mut().next().expect("there is room for one image");
        let preprocessed = self.preprocessors.preprocess(frame, slot)?;
        let inference = self.infer(1)?;
        let mut result = self.found(BatchImage { index: 0, preprocessed }, inference)?;
        if let Some(reader) = self.reader() {
            reader.read_all(frame, &mut result, self.options.read);
        }
        Ok(result)
    }

    /// The second stage, if there is one and texts are asked for.
    fn reader(&self) -> Option<&TextReader> {
        self.loaded.reader.as_ref().filter(|_| self.selection.text)
    }

    /// Detects objects in frames of any form, [`PipelineOptions::max_batch`] at a time: those of a batch are decoded
    /// in parallel. The results are in the order of the frames; one that fails costs no other.
    ///
    /// ```
    /// use framegate::{Frame, Pipeline, PipelineOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let options = PipelineOptions { max_batch: 4, ..PipelineOptions::default() };
    /// let mut pipeline = Pipeline::load("codes", &options)?;
    /// let jpeg = std::fs::read("docs/codes.jpg")?;
    /// let results = pipeline.detect_batch(&[Frame::Jpeg(&jpeg), Frame::Jpeg(b"no JPEG")]);
    /// assert!(results[0].is_ok() && results[1].is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn detect_batch(&mut self, frames: &[Frame<'_>]) -> Vec<Result<FrameResult, FrameError>> {
        if self.options.tiles.is_some() {
            return frames.iter().map(|frame| self.detect_frame(*frame)).collect();
        }
        let batches = frames.chunks(self.options.max_batch.max(1));
        batches.flat_map(|frames| self.detect_at_once(frames)).collect()
    }

    fn detect_at_once(&mut self, frames: &[Frame<'_>]) -> Vec<Result<FrameResult, FrameError>> {
        self.make_room(frames.len());
        let preprocessors = &self.preprocessors;
        let slots: Vec<&mut [f32]> = self.input.slots_mut().collect();
        let preprocessed: Vec<Result<Preprocessed, FrameError>> = self.pool.install(|| {
            let tasks = frames.par_iter().zip(slots);
            tasks.map(|(frame, slot)| preprocessors.preprocess(*frame, slot)).collect()
        });
        // The model also runs on what is left in the slots of frames that failed: they are few.
        let inference = match preprocessed.iter().any(Result::is_ok) {
            true => self.infer(frames.len()),
            false => Ok(Duration::ZERO),
        };
        let results = preprocessed.into_iter().enumerate().map(|(index, preprocessed)| {
            self.found(BatchImage { index, preprocessed: preprocessed? }, inference.clone()?)
        });
        let mut results: Vec<Result<FrameResult, FrameError>> = results.collect();
        if let Some(reader) = self.reader() {
            self.pool.install(|| {
                results.par_iter_mut().zip(frames).for_each(|(result, frame)| {
                    if let Ok(result) = result {
                        reader.read_all(*frame, result, self.options.read);
                    }
                });
            });
        }
        results
    }

    /// Runs the model on the images in the first slots, and returns how long it took.
    fn infer(&mut self, images: usize) -> Result<Duration, FrameError> {
        self.input.set_len(images);
        let session = self.loaded.session.as_mut();
        infer(session, &self.input, &mut self.outputs, [&Span::current()])
    }

    /// The result of an image that the model has run on.
    fn found(&mut self, image: BatchImage, inference: Duration) -> Result<FrameResult, FrameError> {
        let boxes = &mut self.loaded.boxes;
        detect(boxes, Some(&self.selection), &self.outputs, image, inference)
    }

    /// Has room for this many images at once.
    fn make_room(&mut self, images: usize) {
        if self.input.capacity() < images {
            let image_shape = self.loaded.detector.model.graph.image_shape();
            self.input = InputBatch::new(image_shape, images);
        }
    }

    /// Runs many frames, in batches and with the stages overlapping. `deliver` receives them in the
    /// order they came, one batch at a time; when it fails, the run ends.
    ///
    /// # Errors
    /// What `deliver` failed with.
    pub fn run<E: From<PipelineError>>(
        &mut self,
        frames: impl Iterator<Item = SourceFrame> + Send + 'static,
        mut deliver: impl FnMut(Vec<FinishedFrame>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(tiling) = self.options.tiles {
            return frames
                .map(|frame| self.finish_in_tiles(frame, tiling))
                .try_for_each(|frame| deliver(vec![frame]));
        }
        let LoadedPipeline { detector, session, reader, .. } = &mut self.loaded;
        let offline = Offline {
            boxes: BoxStage::new(detector, self.options.thresholds)
                .map_err(PipelineError::from)?
                .with_masks(self.options.masks)
                .with_selection(Arc::clone(&self.selection)),
            detector,
            reader: reader
                .as_ref()
                .filter(|_| self.selection.text)
                .map(|reader| (reader, self.options.read)),
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
