//! Reading an ONNX file into a graph.
//!
//! [`framegate_onnx_proto`] reads the bytes. The graph is built here because it must have a fixed input
//! size, keep the file's names, and report every unsupported operator at once. `operators` has a file
//! for each family of operators, which deals with the differences between ONNX's versions; the result
//! is made of the small canonical set of [`framegate_backend_api::graph::Operator`]. Anything that
//! depends on constants alone is computed on the way.
//!
//! ```text
//! bytes ─ onnx_proto ─▶ OnnxFile ─ walk ─▶ operators ─▶ context ─▶ Graph
//! ```

mod attributes;
mod context;
mod error;
mod operators;
#[cfg(test)]
mod standard_tests;
mod tensor;
mod walk;

use std::collections::{BTreeMap, HashSet};

use framegate_backend_api::graph::Graph;
use framegate_onnx_proto::{GraphProto, Message, ModelProto, StringStringEntryProto};

pub use error::{OnnxError, UnsupportedOperators};
use tensor::DataType;

/// A parsed ONNX file, before its input size is fixed.
#[derive(Debug, Clone)]
pub struct OnnxFile {
    graph: GraphProto,
    producer: String,
    metadata: BTreeMap<String, String>,
    input: InputDeclaration,
    opset: i64,
}

/// The input as the file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputDeclaration {
    /// Name in the file.
    pub name: String,
    /// Extent of each axis, `None` where the file leaves it open.
    pub dims: Vec<Option<usize>>,
}

impl OnnxFile {
    /// Parses the bytes of an `.onnx` file and checks that every operator is known.
    ///
    /// # Errors
    /// [`OnnxError::Malformed`] for other or truncated bytes, [`OnnxError::Input`] unless the model
    /// takes exactly one float input, [`OnnxError::UnsupportedOperators`].
    pub fn parse(bytes: &[u8]) -> Result<Self, OnnxError> {
        let model =
            ModelProto::decode(bytes).map_err(|error| OnnxError::Malformed(error.to_string()))?;
        let graph = model.graph.unwrap_or_default();
        if graph.node.is_empty() {
            return Err(OnnxError::Malformed("it holds no operators".to_owned()));
        }
        if graph.output.is_empty() {
            return Err(OnnxError::Malformed("it declares no outputs".to_owned()));
        }
        operators::check_all_supported(&graph)?;
        let metadata = model
            .metadata_props
            .into_iter()
            .map(|StringStringEntryProto { key, value }| (key, value))
            .collect();
        let input = the_input(&graph)?;
        let opset = model
            .opset_import
            .iter()
            .find(|import| import.domain.is_empty() || import.domain == "ai.onnx")
            .map(|import| import.version)
            .ok_or_else(|| OnnxError::Malformed("it names no operator set".to_owned()))?;
        let producer = format!("{} {}", model.producer_name, model.producer_version);
        Ok(Self { graph, producer: producer.trim().to_owned(), metadata, input, opset })
    }

    /// Key and value pairs the exporter left in the file.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The input, with the axes that the file leaves open.
    pub fn input(&self) -> &InputDeclaration {
        &self.input
    }

    /// Version of the ONNX operator set.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// Name and version of the program that wrote the file, if it says so.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// How often the file uses each operator.
    pub fn operator_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for node in &self.graph.node {
            *counts.entry(node.op_type.clone()).or_default() += 1;
        }
        counts
    }

    /// The graph for images of this size: constants folded, nothing fused yet.
    ///
    /// # Errors
    /// [`OnnxError::Input`] when the input is not an image or is fixed to another size, and
    /// [`OnnxError::Node`] for a node that cannot be expressed.
    pub fn graph(&self, height: usize, width: usize) -> Result<Graph, OnnxError> {
        let InputDeclaration { name, dims } = &self.input;
        let [_, channels, file_height, file_width] = dims[..] else {
            return Err(OnnxError::Input(format!(
                "input `{name}` has {} axes; a detector takes images as [batch, channels, height, width]",
                dims.len()
            )));
        };
        let fits = |file: Option<usize>, wanted: usize| file.is_none_or(|extent| extent == wanted);
        if !fits(channels, 3) {
            return Err(OnnxError::Input(format!(
                "input `{name}` has {} channels where three are expected; export the model with \
                 images as [batch, 3, height, width]",
                channels.unwrap_or_default()
            )));
        }
        if !(fits(file_height, height) && fits(file_width, width)) || height == 0 || width == 0 {
            return Err(OnnxError::Input(format!(
                "input `{name}` is {dims:?} in the file and cannot be {width}x{height}"
            )));
        }
        walk::import(&self.graph, self.opset, name, vec![1, 3, height, width])
    }
}

/// The one input that is not an initialiser.
fn the_input(graph: &GraphProto) -> Result<InputDeclaration, OnnxError> {
    let initialisers: HashSet<&str> =
        graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<_> =
        graph.input.iter().filter(|input| !initialisers.contains(input.name.as_str())).collect();
    let [input] = inputs[..] else {
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        return Err(OnnxError::Input(format!(
            "the model takes {} inputs ({}) where a detector takes one, the image",
            names.len(),
            names.join(", ")
        )));
    };
    let tensor = input.r#type.as_ref().and_then(|of| of.tensor_type.clone()).unwrap_or_default();
    match DataType::from_number(i64::from(tensor.elem_type)) {
        Ok(DataType::Float | DataType::Float16 | DataType::Double | DataType::Bfloat16) => {}
        _ => {
            return Err(OnnxError::Input(format!(
                "input `{}` does not hold floating-point numbers; export the model with a float input",
                input.name
            )));
        }
    }
    let dims = tensor
        .shape
        .unwrap_or_default()
        .dim
        .iter()
        .map(|dim| usize::try_from(dim.dim_value?).ok().filter(|extent| *extent > 0))
        .collect();
    Ok(InputDeclaration { name: input.name.clone(), dims })
}
