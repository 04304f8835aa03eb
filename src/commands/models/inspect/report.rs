//! The report on a model, printed as text or as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use framegate_backend_api::graph::{Batching, Graph};
use framegate_models::Detector;
use framegate_models::detector::{
    ChannelOrder, Fit, ImageInput, LetterboxAlign, NmsScope, ResizeFilter, SecondModel, SecondStage,
};
use framegate_models::onnx::{InputDeclaration, OnnxFile};
use serde::Serialize;

use super::kernels::KernelReport;
use super::operators;

/// Everything that is known about a model.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) file: String,
    pub(super) producer: String,
    pub(super) opset: i64,
    pub(super) input: DeclaredInput,
    /// Inputs besides the image, whose values are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) other_inputs: Vec<DeclaredInput>,
    pub(super) operators_in_file: BTreeMap<String, usize>,
    /// Absent when the input size is unknown or the graph cannot be built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) graph: Option<GraphReport>,
    /// Absent when something that a detector needs is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detector: Option<DetectorReport>,
    /// Absent when no backend was named, or it does not report its kernels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kernels: Option<KernelReport>,
}

/// The input as the file declares it; an axis of any extent is `null`.
#[derive(Debug, Serialize)]
pub(super) struct DeclaredInput {
    pub(super) name: String,
    pub(super) shape: Vec<Option<usize>>,
    /// Names of the axes, where they are others than `[batch, channels, height, width]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) axes: Option<&'static str>,
}

impl DeclaredInput {
    fn of(input: &InputDeclaration, axes: Option<&'static str>) -> Self {
        Self { name: input.name.clone(), shape: input.dims.clone(), axes }
    }
}

/// The graph for a fixed input size.
#[derive(Debug, Serialize)]
pub(super) struct GraphReport {
    pub(super) input_shape: Vec<usize>,
    pub(super) outputs: Vec<Output>,
    /// Operators that backends run.
    pub(super) operators: BTreeMap<String, usize>,
    pub(super) fused: bool,
    pub(super) parameters: usize,
    /// For one image.
    pub(super) multiply_adds: u64,
    pub(super) batching: &'static str,
}

/// An output, with its shape for one image.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
}

/// The parts that make a detector of the model.
#[derive(Debug, Serialize)]
pub(super) struct DetectorReport {
    #[serde(rename = "preparation")]
    pub(super) preprocessing: PreprocessingReport,
    pub(super) box_decoder: &'static str,
    pub(super) box_decoder_reason: String,
    /// Absent where the model suppresses overlaps itself or has no boxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nms: Option<NmsScope>,
    pub(super) labels: Vec<String>,
    pub(super) labels_source: String,
    /// Absent where nothing is read in the boxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) second: Option<SecondReport>,
    /// Facts that only the file's outputs and graph show, each with how to say otherwise.
    pub(super) guesses: Vec<String>,
}

/// The second stage, which reads the boxes.
#[derive(Debug, Serialize)]
pub(super) struct SecondReport {
    pub(super) name: String,
    /// Absent where codes are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<SecondModelReport>,
}

/// The model of a second stage.
#[derive(Debug, Serialize)]
pub(super) struct SecondModelReport {
    #[serde(rename = "preparation")]
    pub(super) preprocessing: PreprocessingReport,
    pub(super) decoder: &'static str,
    /// Lowest score of a text.
    pub(super) confidence: f32,
    pub(super) labels: Vec<String>,
    /// The detector's classes whose boxes are read.
    pub(super) classes: Vec<String>,
    pub(super) guesses: Vec<String>,
}

/// How a frame is preprocessed.
#[derive(Debug, Serialize)]
pub(super) struct PreprocessingReport {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channel_order: &'static str,
    pub(super) mean: [f32; 3],
    pub(super) scale: [f32; 3],
    pub(super) fit: String,
    pub(super) resize: ResizeFilter,
}

impl Report {
    pub(super) fn of_detector(path: &Path, file: &OnnxFile, detector: &Detector) -> Self {
        let mut report = Self::of_file(path, file, None);
        report.graph = Some(GraphReport::of(&detector.model.graph, true));
        report.detector = Some(DetectorReport {
            preprocessing: PreprocessingReport::of(&detector.input),
            box_decoder: detector.boxes.name(),
            box_decoder_reason: detector.boxes_reason.clone(),
            nms: detector.boxes.needs_nms().then_some(detector.nms),
            labels: detector.labels.clone(),
            labels_source: detector.labels_source.to_string(),
            second: detector.second.as_ref().map(|it| SecondReport::of(it, detector)),
            guesses: detector.guesses.clone(),
        });
        report
    }

    /// The facts that the file alone shows, with its graph where that could be built.
    pub(super) fn of_file(path: &Path, file: &OnnxFile, unfused: Option<&Graph>) -> Self {
        let layout = file.image_layout().ok();
        let axes = layout.filter(|it| it.channels_last || it.batch.is_none()).map(|it| it.axes());
        let others = file.other_inputs().iter();
        Self {
            file: path.display().to_string(),
            producer: file.producer().to_owned(),
            opset: file.opset(),
            input: DeclaredInput::of(file.input(), axes),
            other_inputs: others.map(|input| DeclaredInput::of(input, None)).collect(),
            operators_in_file: file.operator_counts(),
            graph: unfused.map(|graph| GraphReport::of(graph, false)),
            detector: None,
            kernels: None,
        }
    }
}

impl GraphReport {
    fn of(graph: &Graph, fused: bool) -> Self {
        let output = |id| {
            let value = graph.value(id);
            Output { name: value.name.clone(), shape: value.shape.clone() }
        };
        Self {
            input_shape: graph.value(graph.input).shape.clone(),
            outputs: graph.outputs.iter().map(|id| output(*id)).collect(),
            operators: operators::counts(graph),
            fused,
            parameters: graph.parameters(),
            multiply_adds: graph.multiply_adds(),
            batching: match graph.batching {
                Batching::FirstAxis => "all images of a batch at once",
                Batching::OneByOne => "one image after another",
            },
        }
    }
}

impl SecondReport {
    fn of(second: &SecondStage, detector: &Detector) -> Self {
        let model = match second {
            SecondStage::Model(model) => Some(SecondModelReport::of(model, detector)),
            _ => None,
        };
        Self { name: second.name().to_owned(), model }
    }
}

impl SecondModelReport {
    fn of(second: &SecondModel, detector: &Detector) -> Self {
        let SecondModel { reader, confidence, classes } = second;
        let labels = detector.labels.iter().enumerate();
        let is_read = |class: usize| classes.as_ref().is_none_or(|read| read.contains(&class));
        let read = labels.filter(|(class, _)| is_read(*class)).map(|(_, label)| label.clone());
        Self {
            preprocessing: PreprocessingReport::of(&reader.input),
            decoder: reader.boxes.name(),
            confidence: *confidence,
            labels: reader.labels.clone(),
            classes: read.collect(),
            guesses: reader.guesses.clone(),
        }
    }
}

impl PreprocessingReport {
    fn of(input: &ImageInput) -> Self {
        let channel_order = match input.channel_order {
            ChannelOrder::Rgb => "rgb",
            ChannelOrder::Bgr => "bgr",
        };
        let fit = match input.fit {
            Fit::Stretch => "stretched to fit".to_owned(),
            Fit::Crop { share: 1.0 } => "cropped to the middle".to_owned(),
            Fit::Crop { share } => format!("cropped to the middle, {share} of each side"),
            Fit::Letterbox { placement, fill } => {
                let place = match placement {
                    LetterboxAlign::TopLeft => "top left",
                    LetterboxAlign::Centre => "centred",
                };
                format!("letterboxed, {place}, filled with {fill}")
            }
        };
        let &ImageInput { width, height, mean, scale, resize, .. } = input;
        Self { width, height, channel_order, mean, scale, fit, resize }
    }
}
