//! Measures one case in this process: a model on a backend.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use framegate_backend_api::{Backend, InputBatch, OutputBatch, Session};
use framegate_models::Detector;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::messages::{Answer, FoundBox, ImageResults, Ready, Request, StageSamples};
use super::parity::SLACK;
use super::{RunnerConfig, RunnerError, images};
use crate::engine::{FrameOrigin, LoadedPipeline, Offline, SourceFrame, milliseconds};
use crate::error_chain::error_chain;
use crate::pipeline::{PipelineOptions, read_detector};
use crate::report::peak_memory_mb;
use crate::stages::panics;
use crate::stages::{
    BoxStage, DecodeLimits, Detection, FrameTransform, Preprocessor, Stage, Thresholds,
};

/// A loaded model with everything that is needed to run and time it.
pub struct Runner {
    detector: Arc<Detector>,
    session: Box<dyn Session>,
    thresholds: Thresholds,
    pool: ThreadPool,
    preprocessor: Preprocessor,
    input: InputBatch,
    outputs: OutputBatch,
    images: Vec<Bytes>,
    /// Index of the next image.
    next: usize,
    ready: Ready,
}

impl Runner {
    /// Loads the case on `backend`.
    ///
    /// # Errors
    /// [`RunnerError`] when the model, the backend or the images cannot be used.
    pub fn load(config: &RunnerConfig, backend: &dyn Backend) -> Result<Self, RunnerError> {
        let device = backend.probe()?.name;
        let images = images::read(&config.images)?;
        let thresholds = Thresholds { confidence: config.confidence, iou: config.iou };
        let batch = config.case.batch;
        let options = PipelineOptions {
            thresholds,
            threads: config.threads,
            max_batch: batch,
            backend_options: config.backend_options(),
            ..PipelineOptions::default()
        };
        let start = Instant::now();
        let detector = read_detector(&config.case.model, &options)?;
        let read_ms = milliseconds(start.elapsed());

        let start = Instant::now();
        let LoadedPipeline { detector, session, .. } =
            LoadedPipeline::load(detector, backend, &options)?;
        let load_ms = milliseconds(start.elapsed());
        let mut runner = Self {
            preprocessor: Preprocessor::new(&detector.input, DecodeLimits::DEFAULT),
            input: InputBatch::new(detector.model.graph.image_shape(), batch),
            outputs: OutputBatch::default(),
            ready: Ready { device, images: images.len(), read_ms, load_ms, first_batch_ms: 0.0 },
            detector,
            session,
            thresholds,
            pool: ThreadPoolBuilder::new().num_threads(config.threads).build()?,
            images,
            next: 0,
        };
        runner.ready.first_batch_ms = runner.run_a_batch(&mut StageSamples::default())?;
        Ok(runner)
    }

    pub(super) fn ready(&self) -> Ready {
        self.ready.clone()
    }

    /// Carries out a request. A panic on the way is a failure as well.
    pub(super) fn answer(&mut self, request: Request) -> Answer {
        let answered = panics::catch(|| match request {
            Request::Stages(duration) => self.stages(duration).map(Answer::Stages),
            Request::Pipeline(duration) => self.pipeline(duration).map(|frames_per_s| {
                Answer::Pipeline { frames_per_s, peak_rss_mb: peak_memory_mb() }
            }),
            Request::Results { first, count } => self.results(first, count).map(Answer::Results),
        });
        answered
            .unwrap_or_else(|panic| Err(RunnerError::Panic(panic)))
            .unwrap_or_else(|error| Answer::Failed(error_chain(&error)))
    }

    fn stages(&mut self, duration: Duration) -> Result<StageSamples, RunnerError> {
        let start = Instant::now();
        let mut times = StageSamples::default();
        while times[Stage::Inference].is_empty() || start.elapsed() < duration {
            self.run_a_batch(&mut times)?;
        }
        Ok(times)
    }

    /// Takes the next batch of images through every stage. Returns how long the model ran on it, in
    /// milliseconds.
    fn run_a_batch(&mut self, times: &mut StageSamples) -> Result<f64, RunnerError> {
        let count = self.input.capacity();
        let transforms = self.prepare(self.next, count, times)?;
        self.next = (self.next + count) % self.images.len();
        let start = Instant::now();
        self.infer()?;
        let inference = milliseconds(start.elapsed());
        times.push(Stage::Inference, inference / count as f64);

        let mut boxes = BoxStage::new(&self.detector, self.thresholds)?.unchecked();
        let mut detections = Vec::new();
        for (index, transform) in transforms.iter().enumerate() {
            let start = Instant::now();
            boxes.detect(&self.outputs, index, transform, &mut detections)?;
            times.push(Stage::Postprocess, milliseconds(start.elapsed()));
        }
        Ok(inference)
    }

    /// Fills the batch with `count` images, from index `first`.
    fn prepare(
        &mut self,
        first: usize,
        count: usize,
        times: &mut StageSamples,
    ) -> Result<Vec<FrameTransform>, RunnerError> {
        let images = self.images.iter().cycle().skip(first);
        let mut transforms = Vec::with_capacity(count);
        for (jpeg, slot) in images.zip(self.input.slots_mut().take(count)) {
            let prepared = self.preprocessor.preprocess(jpeg, slot)?;
            for stage in [Stage::Decode, Stage::Resize, Stage::Normalise] {
                times.push(stage, milliseconds(prepared.times[stage]));
            }
            transforms.push(prepared.transform);
        }
        self.input.set_len(count);
        Ok(transforms)
    }

    fn infer(&mut self) -> Result<(), RunnerError> {
        Ok(self.session.infer(&self.input, &mut self.outputs)?)
    }

    /// Frames per second on the path that files take.
    fn pipeline(&mut self, duration: Duration) -> Result<f64, RunnerError> {
        let offline = Offline {
            detector: &self.detector,
            boxes: BoxStage::new(&self.detector, self.thresholds)?.unchecked(),
            reader: None,
            pool: &self.pool,
            decode: DecodeLimits::DEFAULT.into(),
            max_batch: self.input.capacity(),
        };
        let start = Instant::now();
        let images = self.images.clone().into_iter().cycle().enumerate();
        // However short the duration, at least one full batch is run.
        let least = self.input.capacity();
        let frames =
            images.take_while(move |(number, _)| *number < least || start.elapsed() < duration);
        let frames =
            frames.map(|(number, jpeg)| SourceFrame::new(FrameOrigin::Stream { number }, Ok(jpeg)));
        let mut done = 0;
        offline.run(self.session.as_mut(), frames, |batch| {
            for frame in batch {
                frame.result.map_err(RunnerError::Frame)?;
                done += 1;
            }
            Ok::<_, RunnerError>(())
        })?;
        Ok(f64::from(done) / start.elapsed().as_secs_f64())
    }

    fn results(&mut self, first: usize, count: usize) -> Result<Vec<ImageResults>, RunnerError> {
        let transforms = self.prepare(first, count, &mut StageSamples::default())?;
        self.infer()?;
        // More boxes are returned than count, so that one at the threshold is not lost.
        let confidence = (self.thresholds.confidence - SLACK).max(0.0);
        let thresholds = Thresholds { confidence, ..self.thresholds };
        let mut boxes = BoxStage::new(&self.detector, thresholds)?.unchecked();
        let mut detections = Vec::new();
        let mut results = Vec::with_capacity(count);
        for (index, transform) in transforms.iter().enumerate() {
            boxes.detect(&self.outputs, index, transform, &mut detections)?;
            let tensors = self.outputs.tensors.iter().map(|tensor| tensor.image(index));
            results.push(ImageResults {
                raw: tensors.map(|image| image.iter().map(|x| x.to_bits()).collect()).collect(),
                boxes: detections.iter().map(FoundBox::from).collect(),
            });
        }
        Ok(results)
    }
}

impl From<&Detection> for FoundBox {
    fn from(detection: &Detection) -> Self {
        let Detection { class_id, score, x, y, width, height, .. } = *detection;
        Self { class_id, score, x, y, width, height }
    }
}
