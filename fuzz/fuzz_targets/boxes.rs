//! Any numbers, under any names and in any shapes, as a detector's outputs: each box layout answers
//! with boxes on the frame, highest score first, or refuses the outputs.

#![no_main]

use framegate::stages::{BoxStage, Detection, FrameTransform, MAX_DETECTIONS, Thresholds};
use framegate_backend_api::{OutputBatch, OutputTensor};
use framegate_fuzz::{FixedOutputs, ModelFolder};
use framegate_models::{Detector, Size};
use libfuzzer_sys::fuzz_target;

/// Width and height of the models' input.
const SIDE: usize = 64;
/// Cells in the grids of strides 8, 16 and 32.
const CELLS: [usize; 3] = [64, 16, 4];
/// How many pixels or parts of one a box may be off, after arithmetic with 32 bits.
const ROUNDING: f32 = 0.01;

struct Layout {
    detector: Detector,
    outputs: Vec<(String, Vec<usize>)>,
}

/// A detector of each layout.
fn layouts() -> Vec<Layout> {
    let cells: usize = CELLS.iter().sum();
    let yunet = CELLS.iter().zip([8, 16, 32]).flat_map(|(cells, stride)| {
        [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
            .map(|(kind, extent)| (format!("{kind}_{stride}"), vec![1, *cells, extent]))
    });
    let one = |shape: &[usize]| vec![("output".to_owned(), shape.to_vec())];
    let layouts = [
        ("yolox", one(&[1, cells, 7])),
        ("yolov5", one(&[1, 40, 7])),
        ("yolov8", one(&[1, 6, 40])),
        ("end2end", one(&[1, 40, 6])),
        ("classify", one(&[1, 2])),
        ("yunet", yunet.collect()),
    ];
    let folder = ModelFolder::new("boxes");
    layouts
        .into_iter()
        .map(|(name, outputs)| {
            let labels = if name == "yunet" { "[\"face\"]" } else { "[\"a\", \"b\"]" };
            let sidecar = format!("boxes = \"{name}\"\nlabels = {labels}\n");
            let model = FixedOutputs { side: Some(SIDE), outputs: &outputs, metadata: &[] };
            folder.write("model.onnx", &model.encode());
            folder.write("model.toml", sidecar.as_bytes());
            let detector = folder.load().unwrap_or_else(|error| panic!("{name}: {error}"));
            Layout { detector, outputs }
        })
        .collect()
}

thread_local! {
    static LAYOUTS: Vec<Layout> = layouts();
}

/// Reads bytes as what is needed; zeros once they are used up.
struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// Half of the values are of the size that detectors put out, and come from one byte.
    fn value(&mut self) -> f32 {
        let byte = self.byte();
        if byte < 128 {
            return f32::from(byte) / 64.0;
        }
        f32::from_le_bytes([byte, self.byte(), self.byte(), self.byte()])
    }
}

/// Outputs as the detector has them, or nearly.
fn outputs(source: &mut Source<'_>, layout: &Layout, batch: usize) -> OutputBatch {
    let mistake = source.byte();
    let mut tensors: Vec<OutputTensor> = layout
        .outputs
        .iter()
        .map(|(name, shape)| OutputTensor {
            name: name.clone(),
            image_shape: shape.clone(),
            data: (0..batch * shape.iter().product::<usize>()).map(|_| source.value()).collect(),
        })
        .collect();
    let which = source.below(tensors.len());
    match mistake {
        1 => tensors[which].name.push('x'),
        2 => tensors[which].image_shape.push(1),
        3 => tensors[which].image_shape[0] = source.below(4),
        4 => tensors[which].data.truncate(source.below(256)),
        5 => tensors[which].data.clear(),
        6 => drop(tensors.remove(which)),
        7 => tensors.swap(0, which),
        _ => {}
    }
    OutputBatch { tensors }
}

fn check(detections: &[Detection], detector: &Detector, frame: Size, thresholds: Thresholds) {
    assert!(detections.len() <= MAX_DETECTIONS);
    assert!(detections.is_sorted_by(|a, b| a.score >= b.score));
    for detection in detections {
        let Detection { label, class_id, score, x, y, width, height, .. } = detection;
        assert!(score.is_finite() && *score >= thresholds.confidence, "{detection:?}");
        assert_eq!(**label, *detector.labels[*class_id]);
        assert!(*x >= 0.0 && *y >= 0.0 && *width > 0.0 && *height > 0.0, "{detection:?}");
        let (right, bottom) = (frame.width as f32 + ROUNDING, frame.height as f32 + ROUNDING);
        assert!(x + width <= right && y + height <= bottom, "{detection:?} on {frame}");
    }
}

fuzz_target!(|input: &[u8]| {
    let mut source = Source(input);
    LAYOUTS.with(|layouts| {
        let layout = &layouts[source.below(layouts.len())];
        let batch = 1 + source.below(2);
        let image = source.below(2);
        let side = |source: &mut Source<'_>| 1 + 16 * usize::from(source.byte());
        let frame = Size { width: side(&mut source), height: side(&mut source) };
        let confidence = f32::from(source.byte()) / 255.0;
        let thresholds = Thresholds { confidence, iou: f32::from(source.byte()) / 255.0 };
        let outputs = outputs(&mut source, layout, batch);

        let detector = &layout.detector;
        let mut stage = BoxStage::new(detector, thresholds).expect("the detector was loaded");
        let transform = FrameTransform::of(frame, &detector.input);
        let mut detections = Vec::new();
        match stage.detect(&outputs, image, &transform, &mut detections) {
            Ok(()) => check(&detections, detector, frame, thresholds),
            Err(_) => assert!(detections.is_empty()),
        }
    });
});
