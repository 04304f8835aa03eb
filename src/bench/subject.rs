//! A model on a backend, and how it is measured.

use std::time::{Duration, Instant};

use bytes::Bytes;
use framegate_backend_api::{Backend, InputBatch, Limits, OutputBatch, Session};
use framegate_models::Detector;
use framegate_models::detector::LoadOptions;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::messages::{Answer, FoundBox, ImageResults, Ready, Request, StageSamples};
use super::parity::SLACK;
use super::{Job, images};
use crate::engine::{FrameOrigin, Offline, SourceFrame, milliseconds};
use crate::panics;
use crate::report::peak_memory_mb;
use crate::stages::{
    BoxStage, DecodeLimits, Detection, FrameTransform, Preprocessor, Stage, Thresholds,
};

/// Something went wrong, in a sentence.
type Problem = String;

/// A loaded model with everything around it.
pub struct Subject {
    detector: Detector,
    session: Box<dyn Session>,
    thresholds: Thresholds,
    pool: ThreadPool,
    preprocessor: Preprocessor,
    input: InputBatch,
    outputs: OutputBatch,
    images: Vec<Bytes>,
    /// Number of the image whose turn is next.
    next: usize,
    ready: Ready,
}

impl Subject {
    /// Loads what the job names on `backend`.
    ///
    /// # Errors
    /// What is wrong with the model, the backend or the images.
    pub fn load(job: &Job, backend: &dyn Backend) -> Result<Self, Problem> {
        let told = |error: &dyn std::error::Error| error.to_string();
        let device = backend.probe().map_err(|error| told(&error))?.name;
        let images = images::read(&job.images).map_err(|error| told(&error))?;
        let start = Instant::now();
        let options = LoadOptions { labels: None, input_size: None };
        let detector =
            Detector::load(&job.combination.model, &options).map_err(|error| told(&error))?;
        let read_ms = milliseconds(start.elapsed());

        let batch = job.combination.batch;
        let start = Instant::now();
        let limits = Limits { max_batch: batch, threads: job.threads };
        let session = backend.load(&detector.model, &limits).map_err(|error| told(&error))?;
        let load_ms = milliseconds(start.elapsed());
        let pool = ThreadPoolBuilder::new()
            .num_threads(job.threads)
            .build()
            .map_err(|error| told(&error))?;
        let thresholds = Thresholds { confidence: job.confidence, iou: job.iou };
        let mut subject = Self {
            preprocessor: Preprocessor::new(&detector.input, DecodeLimits::DEFAULT),
            input: InputBatch::new(detector.model.graph.image_shape(), batch),
            outputs: OutputBatch::default(),
            ready: Ready { device, images: images.len(), read_ms, load_ms, first_batch_ms: 0.0 },
            detector,
            session,
            thresholds,
            pool,
            images,
            next: 0,
        };
        subject.ready.first_batch_ms = subject.run_a_batch(&mut StageSamples::default())?;
        Ok(subject)
    }

    pub(super) fn ready(&self) -> Ready {
        self.ready.clone()
    }

    /// Does what is asked for. A panic on the way is a failure, too.
    pub(super) fn answer(&mut self, request: Request) -> Answer {
        let answered = panics::catch(|| match request {
            Request::Stages(duration) => self.stages(duration).map(Answer::Stages),
            Request::Pipeline(duration) => self.pipeline(duration).map(|frames_per_s| {
                Answer::Pipeline { frames_per_s, peak_rss_mb: peak_memory_mb() }
            }),
            Request::Results { first, count } => self.results(first, count).map(Answer::Results),
        });
        answered
            .unwrap_or_else(|panic| Err(format!("a bug: panic: {panic}")))
            .unwrap_or_else(Answer::Failed)
    }

    fn stages(&mut self, duration: Duration) -> Result<StageSamples, Problem> {
        let start = Instant::now();
        let mut times = StageSamples::default();
        while times[Stage::Inference].is_empty() || start.elapsed() < duration {
            self.run_a_batch(&mut times)?;
        }
        Ok(times)
    }

    /// Takes the next batch of images through every stage, and says how long the model ran on it, in
    /// milliseconds.
    fn run_a_batch(&mut self, times: &mut StageSamples) -> Result<f64, Problem> {
        let count = self.input.capacity();
        let placements = self.prepare(self.next, count, times)?;
        self.next = (self.next + count) % self.images.len();
        let start = Instant::now();
        self.infer()?;
        let inference = milliseconds(start.elapsed());
        times.push(Stage::Inference, inference / count as f64);

        let mut boxes =
            BoxStage::new(&self.detector, self.thresholds).map_err(|e| e.to_string())?;
        let mut detections = Vec::new();
        for (index, placement) in placements.iter().enumerate() {
            let start = Instant::now();
            detect(&mut boxes, &self.outputs, index, placement, &mut detections)?;
            times.push(Stage::Postprocess, milliseconds(start.elapsed()));
        }
        Ok(inference)
    }

    /// Fills the batch with `count` images from number `first` on.
    fn prepare(
        &mut self,
        first: usize,
        count: usize,
        times: &mut StageSamples,
    ) -> Result<Vec<FrameTransform>, Problem> {
        let images = self.images.iter().cycle().skip(first);
        let mut placements = Vec::with_capacity(count);
        for (jpeg, slot) in images.zip(self.input.slots_mut().take(count)) {
            let prepared = self.preprocessor.preprocess(jpeg, slot).map_err(|e| e.to_string())?;
            for stage in [Stage::Decode, Stage::Resize, Stage::Normalise] {
                times.push(stage, milliseconds(prepared.times[stage]));
            }
            placements.push(prepared.transform);
        }
        self.input.set_len(count);
        Ok(placements)
    }

    fn infer(&mut self) -> Result<(), Problem> {
        self.session.infer(&self.input, &mut self.outputs).map_err(|error| error.to_string())
    }

    /// Frames a second through the path that files take.
    fn pipeline(&mut self, duration: Duration) -> Result<f64, Problem> {
        let offline = Offline {
            detector: &self.detector,
            boxes: BoxStage::new(&self.detector, self.thresholds).map_err(|e| e.to_string())?,
            pool: &self.pool,
            limits: DecodeLimits::DEFAULT,
            max_batch: self.input.capacity(),
        };
        let start = Instant::now();
        let images = self.images.clone().into_iter().cycle().enumerate();
        // However short it is, there is a full batch.
        let least = self.input.capacity();
        let frames =
            images.take_while(move |(number, _)| *number < least || start.elapsed() < duration);
        let frames =
            frames.map(|(number, jpeg)| SourceFrame::new(FrameOrigin::Stream { number }, Ok(jpeg)));
        let mut done = 0;
        offline.run(self.session.as_mut(), frames, |batch| {
            for frame in batch {
                frame.result.map_err(|error| match &error.cause {
                    Some(cause) => cause.to_string(),
                    None => error.to_string(),
                })?;
                done += 1;
            }
            Ok::<_, Problem>(())
        })?;
        Ok(f64::from(done) / start.elapsed().as_secs_f64())
    }

    fn results(&mut self, first: usize, count: usize) -> Result<Vec<ImageResults>, Problem> {
        let placements = self.prepare(first, count, &mut StageSamples::default())?;
        self.infer()?;
        // Boxes at the threshold must not count as lost, so more are reported than are compared.
        let confidence = (self.thresholds.confidence - SLACK).max(0.0);
        let thresholds = Thresholds { confidence, ..self.thresholds };
        let mut boxes = BoxStage::new(&self.detector, thresholds).map_err(|e| e.to_string())?;
        let mut detections = Vec::new();
        let mut results = Vec::with_capacity(count);
        for (index, placement) in placements.iter().enumerate() {
            detect(&mut boxes, &self.outputs, index, placement, &mut detections)?;
            let tensors = self.outputs.tensors.iter().map(|tensor| tensor.image(index));
            results.push(ImageResults {
                raw: tensors.map(|image| image.iter().map(|x| x.to_bits()).collect()).collect(),
                boxes: detections.iter().map(FoundBox::from).collect(),
            });
        }
        Ok(results)
    }
}

fn detect(
    boxes: &mut BoxStage,
    outputs: &OutputBatch,
    index: usize,
    placement: &FrameTransform,
    detections: &mut Vec<Detection>,
) -> Result<(), Problem> {
    boxes.detect(outputs, index, placement, detections).map_err(|error| error.to_string())
}

impl From<&Detection> for FoundBox {
    fn from(detection: &Detection) -> Self {
        let Detection { class_id, score, x, y, width, height, .. } = *detection;
        Self { class_id, score, x, y, width, height }
    }
}
