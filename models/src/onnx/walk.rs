//! Walks the file's nodes and puts the graph together.

use std::collections::HashMap;

#[cfg(test)]
use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Graph, Operator, ValueId};
use framegate_onnx_proto::{GraphProto, NodeProto};

use super::attributes::Attributes;
use super::context::{Import, OnnxNode, Problem};
use super::{
    error::OnnxError,
    operators,
    tensor::{DataType, host_tensor},
};

/// Names of the file and what they stand for.
type Names<'a> = HashMap<&'a str, ValueId>;

/// Imports a whole graph for one input shape.
pub(super) fn import(
    file: &GraphProto,
    opset: i64,
    input_name: &str,
    input_shape: Vec<usize>,
) -> Result<Graph, OnnxError> {
    let mut import = Import::new(opset, input_name, input_shape);
    let names = nodes(&mut import, file, input_name)?;
    let outputs = file
        .output
        .iter()
        .map(|it| output(&mut import, &it.name, &names))
        .collect::<Result<_, _>>()?;
    Ok(import.finish(outputs))
}

/// Imports a graph that depends on constants alone and returns its outputs, as far as supported.
#[cfg(test)]
pub(super) fn import_constants(
    file: &GraphProto,
    opset: i64,
) -> Result<Vec<Option<HostTensor>>, OnnxError> {
    let mut import = Import::new(opset, "", [1]);
    let names = nodes(&mut import, file, "")?;
    let output = |id: &ValueId| import.value(*id).constant.as_deref().cloned();
    Ok(file.output.iter().map(|it| names.get(it.name.as_str()).and_then(output)).collect())
}

/// Imports a graph of which one input is not constant.
#[cfg(test)]
pub(super) fn import_varying(
    file: &GraphProto,
    opset: i64,
    input: &str,
    shape: &[usize],
) -> Result<Graph, OnnxError> {
    let mut import = Import::new(opset, input, shape);
    let names = nodes(&mut import, file, input)?;
    let outputs = file.output.iter().filter_map(|it| names.get(it.name.as_str()).copied());
    Ok(import.finish(outputs.take(1).collect()))
}

/// Imports every node and returns the values by the names that the file gives them.
fn nodes<'a>(
    import: &mut Import,
    file: &'a GraphProto,
    input_name: &'a str,
) -> Result<Names<'a>, OnnxError> {
    let mut names = HashMap::from([(input_name, import.input())]);
    for tensor in &file.initializer {
        let constant = host_tensor(tensor).map_err(OnnxError::Malformed)?;
        let id = import.named_constant(&tensor.name, constant);
        if let Ok(data_type) = DataType::from_number(i64::from(tensor.data_type)) {
            import.set_data_type(id, data_type);
        }
        names.insert(&tensor.name, id);
    }
    for (index, file_node) in file.node.iter().enumerate() {
        let name = operators::node_name(file_node, index);
        node(import, file_node, &name, &mut names).map_err(|problem| OnnxError::Node {
            node: name,
            operator: file_node.op_type.clone(),
            problem,
        })?;
    }
    Ok(names)
}

fn node<'a>(
    import: &mut Import,
    node: &'a NodeProto,
    name: &str,
    names: &mut Names<'a>,
) -> Result<(), Problem> {
    let operands = node
        .input
        .iter()
        .map(|input| match names.get(input.as_str()) {
            _ if input.is_empty() => Ok(None),
            Some(id) => Ok(Some(*id)),
            None => {
                Err(format!("reads `{input}`, which no earlier node makes, as far as supported"))
            }
        })
        .collect::<Result<_, _>>()?;
    let onnx_node = OnnxNode {
        attributes: Attributes::of(node),
        operands,
        output_count: node.output.len(),
        operator: &node.op_type,
    };
    import.start_node(name);
    let results = operators::import(import, &onnx_node)?;
    // Further results, such as a mask or a running mean, matter only if something reads them.
    names.extend(node.output.iter().map(String::as_str).zip(results));
    Ok(())
}

/// The value of a graph output, under the output's name.
fn output(import: &mut Import, name: &str, names: &Names<'_>) -> Result<ValueId, OnnxError> {
    let malformed = |problem: &str| OnnxError::Malformed(format!("output `{name}` {problem}"));
    let id = *names
        .get(name)
        .ok_or_else(|| malformed("is not made by any node, as far as supported"))?;
    if import.value(id).constant.is_some() {
        return Err(malformed("does not depend on the input; remove it from the outputs"));
    }
    // A value can have only one name, and it may be an output already: give each output its own.
    let shape = import.shape(id);
    import.start_node(name);
    import.emit(Operator::Reshape { shape }, &[id]).map_err(|problem| malformed(&problem))
}
