//! Reading an ONNX file into a graph.
//!
//! [`framegate_onnx_proto`] reads the bytes, `prepare` puts what exporters write in many ways into one
//! form, `image_layout` and `other_inputs` deal with inputs. The graph is built here because it must have a fixed input
//! size, keep the file's names, and report every unsupported operator at once. `operators` has a file
//! for each family of operators, which deals with the differences between ONNX's versions; the result
//! is made of the small canonical set of [`framegate_backend_api::graph::Operator`]. Anything that
//! depends on constants alone is computed on the way.
//!
//! ```text
//! bytes ─ onnx_proto ─ prepare ─▶ OnnxFile ─ walk ─▶ operators ─▶ context ─▶ Graph
//! ```

mod attributes;
mod budget;
mod computed;
mod context;
mod control;
mod error;
mod image_layout;
mod inputs;
mod operators;
mod other_format;
mod other_inputs;
mod paste;
mod prepare;
mod ragged;
mod sequences;
#[cfg(test)]
mod standard_tests;
mod tensor;
mod walk;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Batching, Graph};
use framegate_onnx_proto::{
    Message, ModelProto, OperatorSetIdProto, StringStringEntryProto, count_messages,
};

use crate::Size;
pub use error::{OnnxError, UnsupportedOperators};
pub use image_layout::ImageLayout;
pub use inputs::InputDeclaration;
use inputs::Inputs;
use other_format::OtherFormat;
pub use other_inputs::{InputElements, InputValues};
use prepare::{Prepared, prepare, texts};
use tensor::DataType;
pub use walk::LeftOut;

/// The oldest operator set that is read; before it, operators broadcast in another way.
const OLDEST_OPSET: i64 = 7;

/// Larger batches are not run for the sake of one image.
const MOST_REPEATS: usize = 65;

/// How much of a file is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// All of it, cut down to one image.
    OneImage,
    /// All of it, for a batch of equal images.
    EqualImages,
    /// As much as can be expressed.
    Part,
}

/// Messages that a file may hold: ten times those of the largest detectors.
const MAX_MESSAGES: usize = 1_000_000;

/// A parsed ONNX file, before its input size is fixed.
#[derive(Debug, Clone)]
pub struct OnnxFile {
    prepared: Prepared,
    inputs: Inputs,
    given: InputValues,
    outputs: Vec<OutputDeclaration>,
    producer: String,
    producer_name: String,
    graph_name: String,
    metadata: BTreeMap<String, String>,
    opset: i64,
}

/// An output as the file declares it.
#[derive(Debug, Clone)]
pub struct OutputDeclaration {
    /// Name in the file.
    pub name: String,
    /// Extent of each axis, `None` where the file leaves it open; without axes if nothing is declared.
    pub dims: Vec<Option<usize>>,
    /// Names of the axes that the file leaves open, `None` where it has no name either.
    pub axis_names: Vec<Option<String>>,
    /// The type of its elements, as ONNX calls it, if one is declared: `float`, `int64`.
    pub data_type: Option<&'static str>,
}

impl OnnxFile {
    /// Parses the bytes of an `.onnx` file that has its weights in itself, and checks that every
    /// operator that matters is known.
    ///
    /// # Errors
    /// [`OnnxError`], except [`OnnxError::Node`].
    pub fn parse(bytes: &[u8]) -> Result<Self, OnnxError> {
        Self::parse_at(bytes, None, InputValues::new())
    }

    /// Parses the bytes of the `.onnx` file at `path`, beside which its weights may be in other files.
    /// `given` has the values of inputs other than the image, as far as they are not obvious.
    ///
    /// # Errors
    /// [`OnnxError`], except [`OnnxError::Node`].
    pub fn parse_at(
        bytes: &[u8],
        path: Option<&Path>,
        given: InputValues,
    ) -> Result<Self, OnnxError> {
        Self::parse_model(bytes, path, given).map_err(|problem| match problem {
            OnnxError::Malformed(_) | OnnxError::TooMuch(_) => match OtherFormat::of(bytes) {
                Some(OtherFormat { is, advice }) => OnnxError::OtherFormat { is, advice },
                None => problem,
            },
            problem => problem,
        })
    }

    fn parse_model(
        bytes: &[u8],
        path: Option<&Path>,
        given: InputValues,
    ) -> Result<Self, OnnxError> {
        if count_messages(bytes) > MAX_MESSAGES {
            return Err(OnnxError::TooMuch("it holds more than a million messages".to_owned()));
        }
        let mut model =
            ModelProto::decode(bytes).map_err(|error| OnnxError::Malformed(error.to_string()))?;
        let graph = model.graph.get_or_insert_default();
        if graph.node.is_empty() {
            return Err(OnnxError::Malformed("it holds no operators".to_owned()));
        }
        if graph.output.is_empty() {
            return Err(OnnxError::Malformed("it declares no outputs".to_owned()));
        }
        texts::leave_out(graph);
        let outputs = graph
            .output
            .iter()
            .map(|output| OutputDeclaration {
                name: output.name.clone(),
                dims: inputs::dims_of(output),
                axis_names: inputs::axis_names(output),
                data_type: inputs::data_type_of(output).ok().map(DataType::name),
            })
            .collect();
        let sparse = graph.sparse_initializer.iter().filter_map(|tensor| tensor.values.as_ref());
        let initialisers: HashSet<String> =
            graph.initializer.iter().chain(sparse).map(|tensor| tensor.name.clone()).collect();
        let opset = opset_of(&model.opset_import)
            .ok_or_else(|| OnnxError::Malformed("it names no operator set".to_owned()))?;
        if opset < OLDEST_OPSET {
            return Err(OnnxError::OldOpset(opset));
        }
        let prepared = prepare(&mut model, opset, path)?;
        let graph = model.graph.unwrap_or_default();
        let inputs = Inputs::of(&graph, &initialisers, &prepared.reads, &given)?;
        let producer = format!("{} {}", model.producer_name, model.producer_version);
        let metadata = model
            .metadata_props
            .into_iter()
            .map(|StringStringEntryProto { key, value }| (key, value))
            .collect();
        let producer = producer.trim().to_owned();
        let (producer_name, graph_name) = (model.producer_name, graph.name);
        Ok(Self {
            prepared,
            inputs,
            given,
            outputs,
            producer,
            producer_name,
            graph_name,
            metadata,
            opset,
        })
    }

    /// Key and value pairs the exporter left in the file.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The input that takes the image, with the axes that the file leaves open.
    pub fn input(&self) -> &InputDeclaration {
        &self.inputs.image
    }

    /// The outputs, in the order of the file.
    pub fn outputs(&self) -> &[OutputDeclaration] {
        &self.outputs
    }

    /// The other inputs that the graph reads.
    pub fn other_inputs(&self) -> &[InputDeclaration] {
        &self.inputs.others
    }

    /// Height and width of the image, as far as the file fixes them.
    pub fn image_size(&self) -> [Option<usize>; 2] {
        ImageLayout::of(&self.inputs.image).map_or([None; 2], |layout| layout.size)
    }

    /// How the input holds an image.
    ///
    /// # Errors
    /// [`OnnxError::Input`] when it cannot hold one.
    pub fn image_layout(&self) -> Result<ImageLayout, OnnxError> {
        ImageLayout::of(&self.inputs.image)
    }

    /// Whether the image must be whole numbers: pixels from 0 to 255, or signed bytes.
    pub fn takes_integers(&self) -> bool {
        self.inputs.image.element_type == ElementType::I64
    }

    /// Whether the image must be signed bytes: pixels less 128.
    pub fn takes_signed_bytes(&self) -> bool {
        self.inputs.image.data_type == "int8"
    }

    /// Version of the ONNX operator set.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// Name and version of the program that wrote the file, if it says so.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The program that wrote the file, without its version; empty if the file does not say so.
    pub fn producer_name(&self) -> &str {
        &self.producer_name
    }

    /// The name of the graph; empty if it has none.
    pub fn graph_name(&self) -> &str {
        &self.graph_name
    }

    /// How often the file uses each operator, without nodes that no output depends on.
    pub fn operator_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for node in &self.prepared.nodes {
            *counts.entry(node.proto.op_type.clone()).or_default() += 1;
        }
        counts
    }

    /// The graph for images of this size: constants folded, nothing fused yet. Its input is
    /// `[1, 3, height, width]`, whatever the file's own axes are, and outputs that do not depend on it
    /// are left out.
    ///
    /// # Errors
    /// [`OnnxError::Input`] when the input is not an image or is fixed to another size, or another input
    /// has no value; [`OnnxError::Node`] for a node that cannot be expressed; [`OnnxError::TooMuch`],
    /// [`OnnxError::ConstantOutputs`].
    pub fn graph(&self, height: usize, width: usize) -> Result<Graph, OnnxError> {
        let (layout, size) = self.layout_for(height, width)?;
        let imported =
            walk::import(&self.source(layout, size, Whole::OneImage)?).map(|(graph, _)| graph);
        let batch = layout.batch.unwrap_or(1);
        let graph = match batch {
            1 => imported?,
            MOST_REPEATS.. => only_one_image(imported, batch)?,
            _ => only_one_image(imported, batch).or_else(|refused| {
                // What images have in common is the same for equal images.
                let repeated = self.source(layout, size, Whole::EqualImages)?;
                walk::import(&repeated).map_or(Err(refused), |(graph, _)| Ok(graph))
            })?,
        };
        budget::check_graph(&graph)?;
        Ok(graph)
    }

    /// The graph as far as it can be expressed, with the outputs that are left out.
    ///
    /// # Errors
    /// Like [`OnnxFile::graph`], where nothing remains.
    pub fn partial_graph(
        &self,
        height: usize,
        width: usize,
    ) -> Result<(Graph, Vec<LeftOut>), OnnxError> {
        let (layout, size) = self.layout_for(height, width)?;
        let imported = walk::import(&self.source(layout, size, Whole::Part)?)?;
        budget::check_graph(&imported.0)?;
        Ok(imported)
    }

    /// States this size of the image in place of the one that the file states, if a graph can be made for it. Whether it
    /// could be.
    pub(crate) fn take_size(&mut self, size: Size) -> bool {
        let Ok(layout) = self.image_layout() else { return false };
        let stated = self.inputs.image.dims.clone();
        let [height, width] = layout.size_axes(stated.len());
        for (axis, extent) in [(height, size.height), (width, size.width)] {
            if let Some(dim) = self.inputs.image.dims.get_mut(axis) {
                *dim = Some(extent);
            }
        }
        let is_possible = self.graph(size.height, size.width).is_ok();
        if !is_possible {
            self.inputs.image.dims = stated;
        }
        is_possible
    }

    /// How the input holds an image of this size.
    fn layout_for(&self, height: usize, width: usize) -> Result<(ImageLayout, Size), OnnxError> {
        let InputDeclaration { name, dims, .. } = &self.inputs.image;
        let layout = ImageLayout::of(&self.inputs.image)?;
        let fits = |file: Option<usize>, wanted: usize| file.is_none_or(|extent| extent == wanted);
        let [file_height, file_width] = layout.size;
        if !(fits(file_height, height) && fits(file_width, width)) || height == 0 || width == 0 {
            return Err(OnnxError::Input(format!(
                "input `{name}` is {} in the file and cannot be {width}x{height}",
                inputs::dims_text(dims)
            )));
        }
        Ok((layout, Size { width, height }))
    }

    /// Whether a graph has the outputs that the file declares, as far as it fixes their shapes.
    pub(crate) fn declares(&self, graph: &Graph) -> bool {
        graph.outputs.iter().map(|id| graph.value(*id)).all(|value| {
            let declared = self.outputs.iter().find(|output| output.name == value.name);
            let Some(dims) = declared.map(|output| &output.dims).filter(|dims| !dims.is_empty())
            else {
                return true;
            };
            // The batch axis may be fixed to more than one image.
            dims.len() == value.shape.len()
                && dims
                    .iter()
                    .zip(&value.shape)
                    .skip(1)
                    .all(|(declared, extent)| declared.is_none_or(|declared| declared == *extent))
        })
    }

    /// How many images the file runs on to get the results of one, where it cannot be cut down to one.
    pub fn repeats(&self, graph: &Graph) -> Option<usize> {
        let batch = self.image_layout().ok()?.batch?;
        (batch > 1 && graph.batching == Batching::OneByOne).then_some(batch)
    }

    fn source(
        &self,
        layout: ImageLayout,
        size: Size,
        whole: Whole,
    ) -> Result<walk::Source<'_>, OnnxError> {
        let InputDeclaration { name, .. } = &self.inputs.image;
        let batch = layout.batch.unwrap_or(1);
        let others = self
            .inputs
            .others
            .iter()
            .map(|input| {
                let mut input = input.clone();
                let first = input.dims.first_mut().filter(|first| **first == Some(batch));
                if let Some(first) = first.filter(|_| whole != Whole::EqualImages) {
                    *first = Some(1);
                }
                other_inputs::value(&input, &self.given, size)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let others = self.inputs.others.iter().map(|input| input.name.as_str()).zip(others);
        let wants_integers = self.takes_integers()
            && !image_layout::is_cast_before_use(&self.prepared.nodes, &self.outputs, name);
        Ok(walk::Source {
            prepared: &self.prepared,
            image: name,
            layout,
            repeats: whole == Whole::EqualImages,
            partial: whole == Whole::Part,
            wants_integers,
            size,
            others: others.collect(),
            outputs: self.outputs.iter().map(|output| output.name.as_str()).collect(),
        })
    }
}

/// The graph of a file for batches of `batch` images, cut down to one, if that changes nothing.
fn only_one_image(imported: Result<Graph, OnnxError>, batch: usize) -> Result<Graph, OnnxError> {
    let refused = |why: &str| {
        Err(OnnxError::Input(format!(
            "the file is made for batches of {batch} images and cannot be cut down to one: {why}; \
             export it with batch=1 or with a dynamic batch"
        )))
    };
    match imported {
        Ok(graph) if graph.batching == Batching::FirstAxis => Ok(graph),
        Ok(_) => refused("its images are not independent of each other"),
        Err(problem @ OnnxError::Node { .. }) => refused(&problem.to_string()),
        Err(problem) => Err(problem),
    }
}

/// The version of ONNX's own operators among the imported operator sets.
fn opset_of(imports: &[OperatorSetIdProto]) -> Option<i64> {
    let own = imports.iter().find(|import| operators::is_standard(&import.domain));
    own.map(|import| import.version)
}
