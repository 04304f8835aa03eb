//! Reads what is in the boxes of a detector with another model.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use framegate_backend_api::{BackendError, InputBatch, OutputBatch, Session};
use framegate_models::detector::SecondModel;
use framegate_models::layouts::{Decoder, LayoutError};

use super::SECOND_BATCH;
use crate::engine::frame::Frame;
use crate::locks::unpoisoned;
use crate::stages::{ColourFrame, DecodeError, DecodeOptions, Detection, Preprocessor};

/// Ground that is cut out around a box, in widths and heights of it: boxes of detectors cut edges off.
const MARGIN: f32 = 0.05;

/// Runs one second model.
pub(super) struct ModelReader {
    second: Arc<SecondModel>,
    decode: DecodeOptions,
    /// Held by the worker whose frame is read.
    run: Mutex<Run>,
}

/// The loaded model and its buffers.
struct Run {
    session: Box<dyn Session>,
    decoder: Box<dyn Decoder>,
    /// None after a panic, which may have left its buffers half written.
    preprocessor: Option<Preprocessor>,
    input: InputBatch,
    outputs: OutputBatch,
    /// How long a box took last; zero before the first.
    each: Duration,
}

/// Why nothing more of a frame is read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ModelReadError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl ModelReader {
    /// A reader that owns the session of its model.
    ///
    /// # Errors
    /// [`LayoutError`] when the outputs cannot be read, which loading the model has found out before.
    pub(super) fn new(
        second: Arc<SecondModel>,
        session: Box<dyn Session>,
        decode: DecodeOptions,
    ) -> Result<Self, LayoutError> {
        let reader = &second.reader;
        let graph = &reader.model.graph;
        let run = Run {
            session,
            decoder: reader.boxes.decoder(graph, reader.input.size())?,
            preprocessor: None,
            input: InputBatch::new(graph.image_shape(), SECOND_BATCH),
            outputs: OutputBatch::default(),
            each: Duration::ZERO,
        };
        Ok(Self { second, decode, run: Mutex::new(run) })
    }

    /// Whether boxes of this class are read.
    pub(super) fn reads(&self, class_id: usize) -> bool {
        self.second.classes.as_ref().is_none_or(|classes| classes.contains(&class_id))
    }

    /// Reads what these detections of a frame show, the highest score first, until the deadline.
    ///
    /// # Errors
    /// [`ModelReadError`]: what was read before is kept.
    pub(super) fn read(
        &self,
        pixels: Frame<'_>,
        unread: Vec<&mut Detection>,
        deadline: Instant,
    ) -> Result<(), ModelReadError> {
        let frame = match pixels {
            Frame::Jpeg(jpeg) => ColourFrame::of_jpeg(jpeg, self.decode, deadline)?,
            Frame::Image(image) => ColourFrame::of_image(image),
            Frame::Yuv(image) => ColourFrame::of_yuv(image),
            Frame::Rows(rows) => ColourFrame::of_rows(rows),
        };
        self.read_batches(&frame, unread, || deadline.saturating_duration_since(Instant::now()))
    }

    /// Reads a batch at a time as long as there is time left. A batch that has begun is finished.
    fn read_batches(
        &self,
        frame: &ColourFrame<'_>,
        mut unread: Vec<&mut Detection>,
        mut left: impl FnMut() -> Duration,
    ) -> Result<(), ModelReadError> {
        let mut run = unpoisoned(self.run.lock());
        let mut unread = &mut unread[..];
        while !unread.is_empty() {
            let left = left();
            if left.is_zero() {
                break;
            }
            let count = fitting(left, run.each).min(unread.len());
            let (batch, rest) = std::mem::take(&mut unread).split_at_mut(count);
            run.read(frame, batch, &self.second, self.decode)?;
            unread = rest;
        }
        Ok(())
    }
}

/// Boxes that can be read in the time that is left if each takes as long as the last: at least one, and one to begin with.
fn fitting(left: Duration, each: Duration) -> usize {
    match each.is_zero() {
        true => 1,
        false => ((left.as_secs_f64() / each.as_secs_f64()) as usize).clamp(1, SECOND_BATCH),
    }
}

impl Run {
    fn read(
        &mut self,
        frame: &ColourFrame<'_>,
        batch: &mut [&mut Detection],
        second: &SecondModel,
        decode: DecodeOptions,
    ) -> Result<(), ModelReadError> {
        let Self { session, decoder, preprocessor, input, outputs, each } = self;
        let start = Instant::now();
        let mut cutter =
            preprocessor.take().unwrap_or_else(|| Preprocessor::new(&second.reader.input, decode));
        for (detection, slot) in batch.iter().zip(input.slots_mut()) {
            let Detection { x, y, width, height, .. } = **detection;
            let (beside, above) = (MARGIN * width, MARGIN * height);
            let corners = [x - beside, y - above, x + width + beside, y + height + above];
            cutter.preprocess_rows(&frame.part(corners), slot)?;
        }
        *preprocessor = Some(cutter);
        input.set_len(batch.len());
        session.infer(input, outputs)?;
        for (image, detection) in batch.iter_mut().enumerate() {
            let read = decoder.text(outputs, image, &second.reader.labels);
            detection.text =
                read.filter(|read| read.score >= second.confidence).map(|read| read.text);
        }
        *each = start.elapsed() / batch.len() as u32;
        Ok(())
    }
}

impl fmt::Debug for ModelReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = &self.second.reader.model.name;
        f.debug_struct("ModelReader").field("model", model).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use framegate_backend_api::graph::{Activation, GraphBuilder, Operator, Reduce, Reduction};
    use framegate_backend_api::{Model, OutputTensor};
    use framegate_models::Detector;
    use framegate_models::detector::{
        ChannelOrder, Fit, ImageInput, LabelsSource, NmsScope, ResizeFilter,
    };
    use framegate_models::layouts::BoxLayout;

    use super::*;
    use crate::stages::{DecodeLimits, Orientation, RgbImage};

    /// A classifier of images of one pixel by their colour.
    fn second(confidence: f32) -> SecondModel {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
        let mean = Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_axes: false };
        let mean = builder.push("mean", Operator::Reduce(mean), &[builder.input()]).unwrap();
        let sigmoid = Operator::Activation(Activation::Sigmoid);
        let scores = builder.push("scores", sigmoid, &[mean]).unwrap();
        let graph = builder.finish(vec![scores]);
        let reader = Detector {
            model: Model { name: "colours".to_owned(), graph, metadata: BTreeMap::new() },
            input: ImageInput {
                width: 1,
                height: 1,
                channel_order: ChannelOrder::Rgb,
                mean: [0.0; 3],
                scale: [1.0 / 255.0; 3],
                fit: Fit::Stretch,
                resize: ResizeFilter::Antialiased,
                decode_scale: None,
            },
            boxes: BoxLayout::named("classify").unwrap(),
            boxes_reason: "made for a test".to_owned(),
            guesses: Vec::new(),
            nms: NmsScope::PerClass,
            second: None,
            labels: ["red", "green", "blue"].map(str::to_owned).to_vec(),
            labels_source: LabelsSource::Sidecar,
            licence: None,
            source: None,
        };
        SecondModel { reader, confidence, classes: Some(BTreeSet::from([1])) }
    }

    /// A session whose scores are the pixels.
    struct Pixels;

    impl Session for Pixels {
        fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
            let data = batch.data().to_vec();
            out.tensors =
                vec![OutputTensor { name: "scores".to_owned(), image_shape: vec![1, 3], data }];
            Ok(())
        }
    }

    fn reader(confidence: f32) -> ModelReader {
        let decode = DecodeLimits::DEFAULT.into();
        ModelReader::new(Arc::new(second(confidence)), Box::new(Pixels), decode).unwrap()
    }

    /// Bars of ten columns: red, green and blue in turn, the first ones darker.
    fn frame() -> RgbImage {
        let pixel = |index: usize| {
            let bar = index % 80 / 10;
            let mut pixel = [0; 3];
            pixel[bar % 3] = 150 + 10 * bar as u8;
            pixel
        };
        let pixels = (0..80 * 20).flat_map(pixel).collect();
        RgbImage { pixels, width: 80, height: 20, orientation: Orientation::Upright }
    }

    /// The texts of the bars, if there is time for this many batches.
    fn texts(reader: &ModelReader, batches: usize) -> Vec<Option<String>> {
        let edge = |bar: usize| 10.0 * bar as f32 + 1.0;
        let mut bars: Vec<Detection> = (0..8)
            .map(|bar| Detection::of_box("bar", 1, 0.9, [edge(bar), 1.0, 8.0, 18.0]))
            .collect();
        let image = frame();
        let mut begun = 0;
        let left = || {
            begun += 1;
            if begun > batches { Duration::ZERO } else { Duration::from_secs(60) }
        };
        let frame = ColourFrame::of_image(&image);
        reader.read_batches(&frame, bars.iter_mut().collect(), left).unwrap();
        bars.into_iter().map(|bar| bar.text).collect()
    }

    #[test]
    fn the_best_boxes_are_read_until_the_budget_is_spent() {
        let reader = reader(0.5);
        let names = ["red", "green", "blue", "red", "green", "blue", "red", "green"];
        let first = |count: usize| -> Vec<Option<String>> {
            let name = |index: usize| (index < count).then(|| names[index].to_owned());
            (0..8).map(name).collect()
        };
        assert_eq!(texts(&reader, 0), first(0));
        // How long a box takes is not known before the first.
        assert_eq!(texts(&reader, 1), first(1));
        assert_eq!(texts(&reader, 1), first(SECOND_BATCH));
        assert_eq!(texts(&reader, 9), first(8));
    }

    #[test]
    fn a_batch_is_as_large_as_there_is_time_for() {
        let [none, short, long] = [0, 10, 45].map(Duration::from_millis);
        assert_eq!(fitting(long, none), 1);
        assert_eq!((fitting(long, short), fitting(short, long)), (SECOND_BATCH, 1));
        assert_eq!(fitting(Duration::from_millis(25), short), 2);
    }

    #[test]
    fn a_text_below_the_threshold_is_none() {
        // The bars score 150 / 255 and so on, up to 220 / 255.
        let read = texts(&reader(0.75), 9);
        assert_eq!(read.iter().filter(|text| text.is_some()).count(), 3, "{read:?}");
        assert!(read[..5].iter().all(Option::is_none));
    }

    #[test]
    fn boxes_of_other_classes_are_not_read() {
        let reader = reader(0.5);
        assert!(reader.reads(1) && !reader.reads(0));
    }
}
