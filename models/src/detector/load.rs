//! Putting a detector together from the model file and everything around it.

use std::path::{Path, PathBuf};

use framegate_backend_api::Model;
use framegate_backend_api::graph::Graph;

use super::guesses::guesses;
use super::input_size::InputSizeSources;
use super::labels::LabelPlaces;
use super::preprocessing::image_input;
use super::read::read_onnx_file;
use super::sidecar::Sidecar;
use super::{Detector, LabelsSource, ModelError, ModelFact, metadata};
use crate::Size;
use crate::layouts::{Choice, ModelOutputs, choose};
use crate::onnx::{OnnxError, OnnxFile};
use crate::passes::optimise;

/// The side in pixels assumed for an input of unknown size, to find out what else is unknown.
const ASSUMED_EXTENT: usize = 640;

/// What users may say about a model on the command line.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// A text file with one label per line.
    pub labels: Option<PathBuf>,
    /// The input size, for models whose file leaves it open.
    pub input_size: Option<Size>,
}

impl Detector {
    /// Reads the model at `path` (or [`EMBEDDED_MODEL`](super::EMBEDDED_MODEL)), its sidecar and its
    /// labels.
    ///
    /// # Errors
    /// [`ModelError`]; everything unknown or contradictory is in one [`ModelError::Facts`].
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self, ModelError> {
        let onnx_error = |problem| ModelError::Onnx { path: path.to_owned(), problem };
        let file = read_onnx_file(path)?;
        let sidecar = Sidecar::read(path)?;
        let facts_error = |problems| ModelError::Facts {
            path: path.to_owned(),
            sidecar: Sidecar::path_for(path),
            problems,
        };

        let named_size = input_size(&file, options, &sidecar);
        // Even with an assumed size, the graph shows what else users must provide.
        let size = named_size.as_ref().map_or_else(|_| assumed_size(&file), |size| *size);
        let graph = match (file.graph(size.height, size.width), &named_size) {
            (Ok(graph), _) => graph,
            (Err(OnnxError::Node { .. }), Err(_)) => {
                return Err(facts_error(named_size.err().into_iter().collect()));
            }
            (Err(problem), _) => return Err(onnx_error(problem)),
        };

        let reading = OutputReading::of(&graph, size, &file, &sidecar, path, options);
        match (named_size, reading) {
            (Ok(size), Ok(OutputReading { choice, labels, labels_source })) => {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let metadata = file.metadata().clone();
                Ok(Self {
                    model: Model { name, graph: optimise(graph), metadata },
                    input: image_input(&choice.preprocessing, size, &sidecar),
                    guesses: guesses(&choice, &sidecar),
                    boxes: choice.layout,
                    boxes_reason: choice.reason,
                    nms: sidecar.nms.unwrap_or_default(),
                    labels,
                    labels_source,
                    licence: sidecar.licence,
                    source: sidecar.source,
                })
            }
            (size, reading) => {
                Err(facts_error(size.err().into_iter().chain(reading.err()).collect()))
            }
        }
    }
}

/// What a model's outputs mean.
struct OutputReading {
    choice: Choice,
    labels: Vec<String>,
    labels_source: LabelsSource,
}

impl OutputReading {
    fn of(
        graph: &Graph,
        input: Size,
        file: &OnnxFile,
        sidecar: &Sidecar,
        path: &Path,
        options: &LoadOptions,
    ) -> Result<Self, ModelFact> {
        let metadata = file.metadata();
        let places = LabelPlaces {
            option: options.labels.as_deref(),
            sidecar: sidecar.labels.as_ref(),
            metadata,
            model: path,
        };
        let outputs = ModelOutputs {
            strides: sidecar.strides.as_deref(),
            family: sidecar.family,
            task: metadata::task(metadata),
            labels: places.count(),
            keypoints: metadata::keypoints(metadata),
            is_rtdetr: metadata::is_rtdetr(metadata),
            ..ModelOutputs::of(graph, input)
        };
        let choice = choose(&outputs, sidecar.boxes.as_ref())?;
        let (labels, labels_source) = places.resolve(&choice.layout, choice.classes)?;
        Ok(Self { choice, labels, labels_source })
    }
}

/// The input size, or what to do about it.
fn input_size(
    file: &OnnxFile,
    options: &LoadOptions,
    sidecar: &Sidecar,
) -> Result<Size, ModelFact> {
    let sources = InputSizeSources {
        file: declared_size(file),
        option: options.input_size,
        sidecar: sidecar.input_size,
        metadata: metadata::image_size(file.metadata()),
    };
    sources.resolve()?.ok_or(ModelFact::InputSizeUnknown)
}

/// Height and width as far as the file fixes them.
fn declared_size(file: &OnnxFile) -> [Option<usize>; 2] {
    match file.input().dims[..] {
        [_, _, height, width] => [height, width],
        _ => [None, None],
    }
}

fn assumed_size(file: &OnnxFile) -> Size {
    let [height, width] = declared_size(file).map(|extent| extent.unwrap_or(ASSUMED_EXTENT));
    Size { width, height }
}
