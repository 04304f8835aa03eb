//! Brings a file into the form that the walk reads: functions inlined, nodes that no output needs left
//! out, the others in topological order, weights at hand.

mod external;
mod functions;
mod mmcv;
mod order;
mod sparse;
pub(super) mod texts;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use framegate_backend_api::HostTensor;
use framegate_onnx_proto::{GraphProto, ModelProto, NodeProto, TensorProto};

use super::error::OnnxError;
use super::operators;
use super::tensor::{DataType, host_tensor};
use external::ExternalData;
pub(super) use order::reads_of;

/// A node with the version of the operator set that says what it means.
#[derive(Debug, Clone)]
pub(super) struct FileNode {
    pub(super) proto: NodeProto,
    pub(super) opset: i64,
}

/// An initialiser.
#[derive(Debug, Clone)]
pub(super) struct Constant {
    pub(super) tensor: Arc<HostTensor>,
    /// The type of its elements in the file.
    pub(super) data_type: DataType,
}

/// A file's graph without all that no output needs.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) nodes: Vec<FileNode>,
    /// Initialisers that are read, by name.
    pub(super) constants: HashMap<String, Constant>,
    /// Every name that a node or an output reads.
    pub(super) reads: HashSet<String>,
}

/// Prepares the graph of a file. `path` is where the file lies, if it is one; its weights may
/// be in other files beside it.
pub(super) fn prepare(
    model: &mut ModelProto,
    opset: i64,
    path: Option<&Path>,
) -> Result<Prepared, OnnxError> {
    let functions = std::mem::take(&mut model.functions);
    let graph = model.graph.get_or_insert_default();
    let mut nodes = functions::inline(std::mem::take(&mut graph.node), &functions, opset)?;
    nodes.iter_mut().for_each(|node| mmcv::translate(&mut node.proto));
    let mut nodes = in_order(nodes, graph)?;
    operators::check_all_supported(nodes.iter().map(|node| &node.proto))?;

    let mut reads = HashSet::new();
    for node in &nodes {
        reads_of(&node.proto, &mut |name| {
            if !reads.contains(name) {
                reads.insert(name.to_owned());
            }
        });
    }
    reads.extend(graph.output.iter().map(|output| output.name.clone()));

    let mut external = ExternalData::new(path);
    for node in &mut nodes {
        tensors_of(&mut node.proto, &mut |tensor| external.read_into(tensor))?;
    }
    let mut constants = HashMap::new();
    for mut tensor in std::mem::take(&mut graph.initializer) {
        if reads.contains(&tensor.name) {
            external.read_into(&mut tensor)?;
            let data_type = data_type_of(&tensor)?;
            let constant = Arc::new(host_tensor(&tensor).map_err(OnnxError::Malformed)?);
            constants.insert(tensor.name, Constant { tensor: constant, data_type });
        }
    }
    let mut room = sparse::MOST_ELEMENTS;
    for mut tensor in std::mem::take(&mut graph.sparse_initializer) {
        let Some(values) = tensor.values.as_mut().filter(|it| reads.contains(&it.name)) else {
            continue;
        };
        external.read_into(values)?;
        let (name, data_type) = (values.name.clone(), data_type_of(values)?);
        if let Some(indices) = &mut tensor.indices {
            external.read_into(indices)?;
        }
        let constant = Arc::new(sparse::dense(&tensor, &mut room)?);
        constants.insert(name, Constant { tensor: constant, data_type });
    }
    Ok(Prepared { nodes, constants, reads })
}

fn data_type_of(tensor: &TensorProto) -> Result<DataType, OnnxError> {
    let unsupported =
        |problem| OnnxError::Unsupported(format!("tensor `{}`: {problem}", tensor.name));
    DataType::from_number(i64::from(tensor.data_type)).map_err(unsupported)
}

/// The nodes that outputs depend on, each after those whose results it reads; within subgraphs too.
fn in_order(nodes: Vec<FileNode>, graph: &GraphProto) -> Result<Vec<FileNode>, OnnxError> {
    let protos: Vec<&NodeProto> = nodes.iter().map(|node| &node.proto).collect();
    let order = order::order(&protos, &graph.output).map_err(OnnxError::Malformed)?;
    let mut nodes: Vec<Option<FileNode>> = nodes.into_iter().map(Some).collect();
    let mut ordered: Vec<FileNode> =
        order.into_iter().filter_map(|index| nodes[index].take()).collect();
    for node in &mut ordered {
        order::order_subgraphs(&mut node.proto).map_err(OnnxError::Malformed)?;
    }
    Ok(ordered)
}

/// Visits the tensors in a node's attributes and in its subgraphs.
fn tensors_of(
    node: &mut NodeProto,
    visit: &mut impl FnMut(&mut TensorProto) -> Result<(), OnnxError>,
) -> Result<(), OnnxError> {
    for attribute in &mut node.attribute {
        if let Some(tensor) = &mut attribute.t {
            visit(tensor)?;
        }
        for graph in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
            graph.initializer.iter_mut().try_for_each(&mut *visit)?;
            graph.node.iter_mut().try_for_each(|node| tensors_of(node, visit))?;
        }
    }
    Ok(())
}
