//! Puts a detector together from the model file and what is around it, without a second stage.

use std::path::Path;

use framegate_backend_api::Model;
use framegate_backend_api::graph::Graph;

use super::assumed_size::assumed_size;
use super::guesses::guesses;
use super::image_metadata::described;
use super::input_size::InputSizeSources;
use super::labels::LabelPlaces;
use super::model_card::ProcessorConfig;
use super::preprocessing::{image_input, whole_numbers};
use super::read::read_with;
use super::restated_size::{is_tiny_example, restated};
use super::sidecar::Sidecar;
use super::{Detector, LabelsSource, LoadOptions, ModelError, ModelFact, metadata};
use crate::Size;
use crate::layouts::{Choice, ModelOutputs, choose, leave_out_auxiliary};
use crate::onnx::{LeftOut, OnnxError, OnnxFile};
use crate::passes::optimise;

impl Detector {
    /// Reads the model at `path`, whose sidecar is known, without the second stage that that names.
    pub(super) fn read(
        path: &Path,
        options: &LoadOptions,
        sidecar: &Sidecar,
        is_second: bool,
    ) -> Result<Self, ModelError> {
        let onnx_error = |problem| ModelError::Onnx { path: path.to_owned(), problem };
        let mut file = read_with(path, sidecar)?;
        let facts_error = |problems| ModelError::Facts {
            path: path.to_owned(),
            sidecar: Sidecar::path_for(path),
            problems,
        };

        // A family says how images are prepared; files of Ultralytics say themselves what they are.
        let processor = ProcessorConfig::beside(path, file.image_size())
            .filter(|_| sidecar.family.is_none() && !file.metadata().contains_key("task"));
        let mut left_out = Vec::new();
        let named_size = input_size(&file, options, sidecar, processor.as_ref());
        let (named_size, restated) = restated(&mut file, named_size);
        let (size, mut graph) = match named_size {
            Ok(Some(size)) => {
                let graph = file.graph(size.height, size.width);
                let graph = graph.or_else(|problem| {
                    let (graph, names) = boxes_alone(&file, size, sidecar, problem)?;
                    left_out = names;
                    Ok(graph)
                });
                (size, graph.map_err(onnx_error)?)
            }
            // Even with an assumed size, the graph shows what else users must provide.
            Ok(None) | Err(_) => match (assumed_size(&file), &named_size) {
                (Ok(assumed), _) => assumed,
                (Err(problem @ OnnxError::Node { .. }), Ok(_)) => {
                    return Err(facts_error(vec![ModelFact::InputSizeUnknown { problem }]));
                }
                (Err(OnnxError::Node { .. }), Err(_)) => {
                    return Err(facts_error(named_size.err().into_iter().collect()));
                }
                (Err(problem), _) => return Err(onnx_error(problem)),
            },
        };

        let auxiliary = leave_out_auxiliary(&mut graph, size);
        let places = LabelPlaces {
            option: options.labels.as_deref(),
            sidecar: sidecar.labels.as_ref(),
            metadata: file.metadata(),
            model: path,
        };
        let reading = OutputReading::of(&graph, size, sidecar, &places, is_second);
        match (named_size, reading) {
            (Ok(named_size), Ok(OutputReading { mut choice, labels, labels_source })) => {
                let is_named = options.input_size.or(sidecar.input_size).is_some();
                // A classifier may well be made for images as small.
                if choice.layout.needs_nms() && is_tiny_example(&mut file, size, is_named) {
                    return Err(facts_error(vec![ModelFact::TinyExample { size }]));
                }
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let metadata = file.metadata().clone();
                if let Some(described) =
                    described(&metadata, &choice.preprocessing).filter(|_| sidecar.family.is_none())
                {
                    choice.preprocessing = described;
                    choice.input_range = None;
                }
                let takes_signed_bytes = file.takes_signed_bytes();
                if takes_signed_bytes {
                    choice.input_range = None;
                }
                let mut guesses = guesses(&choice, sidecar, processor.as_ref());
                let is_guessed = sidecar.mean.is_none() && sidecar.scale.is_none();
                guesses.extend((takes_signed_bytes && is_guessed).then(|| {
                    "its input is of signed bytes, so it is given pixels less 128; to say otherwise, write \
                     `mean` and `scale`"
                        .to_owned()
                }));
                guesses.extend(restated);
                guesses.extend(auxiliary);
                guesses.extend(named_size.is_none().then(|| guessed_size(size)));
                guesses.extend(left_out.into_iter().map(|LeftOut { output, problem }| {
                    format!("its output `{output}` is left out, because it cannot be computed: {problem}")
                }));
                guesses.extend(file.repeats(&graph).map(|batch| {
                    format!(
                        "the file is made for batches of {batch} images and cannot be cut down to one, \
                         so each frame is run {batch} times over; export it with batch=1"
                    )
                }));
                let mut preprocessing = processor
                    .map_or(choice.preprocessing, |it| it.preprocessing(&choice.preprocessing));
                if file.takes_integers() {
                    preprocessing = whole_numbers(&preprocessing, takes_signed_bytes);
                }
                Ok(Self {
                    model: Model { name, graph: optimise(graph), metadata },
                    input: image_input(&preprocessing, size, sidecar),
                    guesses,
                    boxes: choice.layout,
                    boxes_reason: choice.reason,
                    nms: sidecar.nms.unwrap_or_default(),
                    second: None,
                    labels,
                    labels_source,
                    licence: sidecar.licence.clone(),
                    source: sidecar.source.clone(),
                })
            }
            (size, reading) => {
                Err(facts_error(size.err().into_iter().chain(reading.err()).collect()))
            }
        }
    }
}

/// The graph of a file whose boxes can be computed and whose masks or key points cannot, as those of torchvision: boxes,
/// labels and scores are a complete list without them.
///
/// # Errors
/// `problem`, where the file is none of those.
fn boxes_alone(
    file: &OnnxFile,
    size: Size,
    sidecar: &Sidecar,
    problem: OnnxError,
) -> Result<(Graph, Vec<LeftOut>), OnnxError> {
    let OnnxError::Node { .. } = &problem else { return Err(problem) };
    let Ok((graph, left_out)) = file.partial_graph(size.height, size.width) else {
        return Err(problem);
    };
    let outputs = ModelOutputs::of(&graph, size);
    let is_list = choose(&outputs, sidecar.boxes.as_ref())
        .is_ok_and(|choice| choice.layout.is_list_of_boxes());
    if is_list { Ok((graph, left_out)) } else { Err(problem) }
}

/// The meaning of a model's outputs.
struct OutputReading {
    choice: Choice,
    labels: Vec<String>,
    labels_source: LabelsSource,
}

impl OutputReading {
    fn of(
        graph: &Graph,
        input: Size,
        sidecar: &Sidecar,
        places: &LabelPlaces<'_>,
        is_second: bool,
    ) -> Result<Self, ModelFact> {
        let metadata = places.metadata;
        let outputs = ModelOutputs {
            strides: sidecar.strides.as_deref(),
            anchors: sidecar.anchors.as_deref(),
            family: sidecar.family.or_else(|| metadata::family(metadata)),
            task: metadata::task(metadata),
            labels: places.count(),
            background_label: places.begin_with_background(),
            coco_labels: places.are_of_coco(),
            numbered_labels: places.are_numbered(),
            first_class: sidecar.first_class,
            keypoints: metadata::keypoints(metadata),
            is_rtdetr: metadata::is_rtdetr(metadata),
            blank: sidecar.blank,
            is_second,
            ..ModelOutputs::of(graph, input)
        };
        let choice = choose(&outputs, sidecar.layout().as_ref())?;
        let (labels, labels_source) = places.resolve(&choice.layout, choice.classes)?;
        Ok(Self { choice, labels, labels_source })
    }
}

/// The input size, if anything names it.
fn input_size(
    file: &OnnxFile,
    options: &LoadOptions,
    sidecar: &Sidecar,
    processor: Option<&ProcessorConfig>,
) -> Result<Option<Size>, ModelFact> {
    let sources = InputSizeSources {
        file: file.image_size(),
        option: options.input_size,
        sidecar: sidecar.input_size,
        metadata: metadata::image_size(file.metadata())
            .or_else(|| processor.and_then(ProcessorConfig::size)),
    };
    Ok(sources.resolve()?)
}

fn guessed_size(size: Size) -> String {
    format!(
        "the file leaves the input size open, and {size} is assumed; say otherwise with --input-size \
         WIDTHxHEIGHT or with `input_size = {{ width = …, height = … }}` in the sidecar"
    )
}
