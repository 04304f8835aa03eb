//! Putting a detector together from the model file and everything around it.

use std::path::{Path, PathBuf};

use framegate_backend_api::Model;
use framegate_backend_api::graph::Graph;

use super::choose_boxes::{BoxEvidence, choose};
use super::input_size::InputSizeSources;
use super::labels::LabelPlaces;
use super::preprocessing::image_input;
use super::read::read_onnx_file;
use super::sidecar::Sidecar;
use super::{BoxDecoder, Detector, LabelsSource, ModelError, OutputShape, metadata};
use crate::Size;
use crate::onnx::{OnnxError, OnnxFile};
use crate::passes::optimise;

/// Side, in pixels, that an unknown input is taken to have while looking for what else is unknown.
const ASSUMED_EXTENT: usize = 640;

/// What the user may say about a model on the command line.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// A text file with one label a line.
    pub labels: Option<PathBuf>,
    /// The input size, for models whose file leaves it open.
    pub input_size: Option<Size>,
}

impl Detector {
    /// Reads the model at `path` (or [`EMBEDDED_MODEL`](super::EMBEDDED_MODEL)), its sidecar and its
    /// labels.
    ///
    /// # Errors
    /// [`ModelError`]; what is unknown or contradictory comes together in [`ModelError::Facts`].
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
        // With a made-up size the graph still tells what else will have to be asked for.
        let size = named_size.as_ref().map_or_else(|_| assumed_size(&file), |size| *size);
        let graph = match (file.graph(size.height, size.width), &named_size) {
            (Ok(graph), _) => graph,
            (Err(OnnxError::Node { .. }), Err(size_problem)) => {
                return Err(facts_error(vec![size_problem.clone()]));
            }
            (Err(problem), _) => return Err(onnx_error(problem)),
        };

        let reading = OutputReading::of(&graph, size, &file, &sidecar, path, options);
        match (named_size, reading) {
            (Ok(size), Ok(OutputReading { boxes, boxes_reason, labels, labels_source })) => {
                let metadata = file.metadata();
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                Ok(Self {
                    model: Model { name, graph: optimise(graph), metadata: metadata.clone() },
                    input: image_input(&boxes, metadata::task(metadata), size, &sidecar),
                    boxes,
                    boxes_reason,
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
    boxes: BoxDecoder,
    boxes_reason: String,
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
    ) -> Result<Self, String> {
        let metadata = file.metadata();
        let outputs = OutputShape::of(graph);
        let (boxes, boxes_reason) = choose(&BoxEvidence {
            outputs: &outputs,
            input,
            task: metadata::task(metadata),
            named: sidecar.boxes,
            strides: sidecar.strides.as_deref(),
        })?;
        let places = LabelPlaces {
            option: options.labels.as_deref(),
            sidecar: sidecar.labels.as_ref(),
            metadata,
            model: path,
        };
        let (labels, labels_source) = places.resolve(&boxes, boxes.check(&outputs, input)?)?;
        Ok(Self { boxes, boxes_reason, labels, labels_source })
    }
}

/// The input size, or what to do about it.
fn input_size(file: &OnnxFile, options: &LoadOptions, sidecar: &Sidecar) -> Result<Size, String> {
    let sources = InputSizeSources {
        file: declared_size(file),
        option: options.input_size,
        sidecar: sidecar.input_size,
        metadata: metadata::image_size(file.metadata()),
    };
    sources.resolve()?.ok_or_else(|| {
        "its input size is not fixed in the file; give it with --input-size WIDTHxHEIGHT or write \
         `input_size = { width = …, height = … }` into the sidecar"
            .to_owned()
    })
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
