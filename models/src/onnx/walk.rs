//! Walks the file's nodes and puts the graph together.

use std::collections::HashMap;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Graph, Operator, ValueId};
use framegate_onnx_proto::{GraphProto, NodeProto};

use super::attributes::Attributes;
use super::context::{Import, OnnxNode, Problem};
use super::image_layout::ImageLayout;
use super::prepare::{Prepared, reads_of};
use super::{
    control,
    error::OnnxError,
    operators, sequences,
    tensor::{DataType, host_tensor},
};
use crate::Size;

/// An output that cannot be expressed, and why.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// Its name in the file.
    pub output: String,
    /// Why not.
    pub problem: OnnxError,
}

/// Names of the file and what they stand for.
pub(super) type Names<'a> = HashMap<&'a str, ValueId>;

/// A file, and what is known of its inputs.
pub(super) struct Source<'a> {
    pub(super) prepared: &'a Prepared,
    /// Name of the input that takes the image.
    pub(super) image: &'a str,
    pub(super) layout: ImageLayout,
    /// Whether the file runs on a whole batch, each image of which is the same, and the results of the first count.
    pub(super) repeats: bool,
    /// Whether outputs that cannot be expressed are left out.
    pub(super) partial: bool,
    /// Whether the file computes with the image's elements as integers.
    pub(super) wants_integers: bool,
    pub(super) size: Size,
    /// The values of the other inputs.
    pub(super) others: Vec<(&'a str, HostTensor)>,
    pub(super) outputs: Vec<&'a str>,
}

/// Imports a whole graph for one input size. Outputs that are left out come with the reason.
pub(super) fn import(source: &Source<'_>) -> Result<(Graph, Vec<LeftOut>), OnnxError> {
    let Source { prepared, image, layout, size, .. } = source;
    let mut import = Import::new(image, [1, 3, size.height, size.width]);
    let batch = layout.batch.unwrap_or(1);
    import.batch = if source.repeats { 1 } else { batch };
    import.start_node(image);
    let wrong_input = |problem| OnnxError::Input(format!("input `{image}`: {problem}"));
    let mut image_id = layout.convert(&mut import, source.wants_integers).map_err(wrong_input)?;
    if source.repeats {
        let repeats = vec![batch, 1, 1, 1];
        image_id = import.emit(Operator::Tile { repeats }, &[image_id]).map_err(wrong_input)?;
    }
    let mut names = HashMap::from([(*image, image_id)]);
    for (name, constant) in &prepared.constants {
        let id = import.named_constant(name, constant.tensor.clone());
        import.set_data_type(id, constant.data_type);
        names.insert(name, id);
    }
    let weights = prepared.constants.values().map(|constant| constant.tensor.len()).sum();
    import.allow_for_weights(weights);
    for (name, tensor) in &source.others {
        names.insert(name, import.named_constant(name, tensor.clone()));
    }
    let last_reader = last_readers(source);
    // What cannot be expressed, and all that depends on it.
    let mut missing: HashMap<&str, OnnxError> = HashMap::new();
    for (index, node) in prepared.nodes.iter().enumerate() {
        import.opset = node.opset;
        let mut cause = None;
        if !missing.is_empty() {
            reads_of(&node.proto, &mut |name| cause = cause.take().or(missing.get(name).cloned()));
        }
        let imported = match cause {
            Some(cause) => Err(cause),
            None => import_node(&mut import, &node.proto, index, &mut names),
        };
        match imported {
            Err(problem @ OnnxError::Node { .. }) if source.partial => {
                let results = node.proto.output.iter();
                missing.extend(results.map(|name| (name.as_str(), problem.clone())));
            }
            imported => imported?,
        }
        if import.should_free_constants() {
            let later = |name: &str| last_reader.get(name).is_some_and(|last| *last > index);
            let values = names.iter().filter(|(name, _)| later(name)).map(|(_, id)| *id);
            import.free_constants(values);
        }
    }
    let (mut outputs, mut left_out) = (Vec::new(), Vec::new());
    for name in &source.outputs {
        if let Some(problem) = missing.remove(name) {
            left_out.push(LeftOut { output: (*name).to_owned(), problem });
            continue;
        }
        if source.repeats
            && let Some(id) = names.get_mut(name)
        {
            *id = of_first_image(&mut import, *id, batch)
                .map_err(|problem| OnnxError::Malformed(format!("output `{name}` {problem}")))?;
        }
        outputs.extend(output(&mut import, name, &names)?);
    }
    match outputs[..] {
        [] => Err(OnnxError::ConstantOutputs),
        _ => Ok((import.finish(outputs), left_out)),
    }
}

/// The last node that reads each name; an output is read after all of them.
fn last_readers<'a>(source: &Source<'a>) -> HashMap<&'a str, usize> {
    let mut last = HashMap::new();
    for (index, node) in source.prepared.nodes.iter().enumerate() {
        reads_of(&node.proto, &mut |name| {
            last.insert(name, index);
        });
    }
    last.extend(source.outputs.iter().map(|name| (*name, usize::MAX)));
    last
}

/// The part of a result that belongs to the first image of a batch.
fn of_first_image(import: &mut Import, id: ValueId, batch: usize) -> Result<ValueId, Problem> {
    let value = import.value(id);
    if value.constant.is_some() {
        return Ok(id);
    }
    if value.shape.first() != Some(&batch) || import.axes(id)[0].is_some() {
        return Err("has no batch axis".to_owned());
    }
    import.first(id, 0, 1)
}

/// Imports a graph that depends on constants alone and returns its outputs, as far as supported.
#[cfg(test)]
pub(super) fn import_constants(
    file: &GraphProto,
    opset: i64,
) -> Result<Vec<Option<HostTensor>>, OnnxError> {
    let mut import = Import::new("", [1]);
    import.opset = opset;
    let mut names = HashMap::new();
    initialisers(&mut import, file, &mut names).map_err(OnnxError::Malformed)?;
    for (index, node) in file.node.iter().enumerate() {
        import_node(&mut import, node, index, &mut names)?;
    }
    let output = |id: &ValueId| import.value(*id).constant.as_deref().cloned();
    Ok(file.output.iter().map(|it| names.get(it.name.as_str()).and_then(output)).collect())
}

/// Imports a graph of which one input is not constant. Its outputs are the file's first one and how many entries of
/// each axis of it are valid.
#[cfg(test)]
pub(super) fn import_varying(
    file: &GraphProto,
    opset: i64,
    input: &str,
    shape: &[usize],
) -> Result<Graph, OnnxError> {
    let mut import = Import::new(input, shape);
    import.opset = opset;
    let mut names = HashMap::from([(input, import.input())]);
    initialisers(&mut import, file, &mut names).map_err(OnnxError::Malformed)?;
    for (index, node) in file.node.iter().enumerate() {
        import_node(&mut import, node, index, &mut names)?;
    }
    let mut outputs = file.output.iter().filter_map(|it| names.get(it.name.as_str()).copied());
    let Some(first) = outputs.next() else { return Err(OnnxError::ConstantOutputs) };
    let mut outputs = vec![first];
    for extent in import.extents(first) {
        outputs.push(import.scalar_of(extent).map_err(OnnxError::Malformed)?);
    }
    Ok(import.finish(outputs))
}

pub(super) fn initialisers<'a>(
    import: &mut Import,
    graph: &'a GraphProto,
    names: &mut Names<'a>,
) -> Result<(), Problem> {
    for tensor in &graph.initializer {
        let id = import.named_constant(&tensor.name, host_tensor(tensor)?);
        import.set_data_type(id, DataType::from_number(i64::from(tensor.data_type))?);
        names.insert(&tensor.name, id);
    }
    Ok(())
}

/// Imports a node, and enters its results under the names that the file gives them.
pub(super) fn import_node<'a>(
    import: &mut Import,
    file_node: &'a NodeProto,
    index: usize,
    names: &mut Names<'a>,
) -> Result<(), OnnxError> {
    let name = operators::node_name(file_node, index);
    node(import, file_node, &name, names).map_err(|problem| OnnxError::Node {
        node: name,
        operator: file_node.op_type.clone(),
        problem,
    })
}

fn node<'a>(
    import: &mut Import,
    node: &'a NodeProto,
    name: &str,
    names: &mut Names<'a>,
) -> Result<(), Problem> {
    let mut operands = node
        .input
        .iter()
        .map(|input| match names.get(input.as_str()) {
            _ if input.is_empty() => Ok(None),
            Some(id) => Ok(Some(*id)),
            None => Err(format!("reads `{input}`, which neither the file nor a node of it has")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    import.start_node(name);
    import.count_node()?;
    let results = if control::is_known(&node.op_type) {
        control::run(import, node, &operands, names)?
    } else {
        one_image(import, &node.op_type, &mut operands);
        let onnx_node = OnnxNode {
            attributes: Attributes::of(node),
            operands,
            output_count: node.output.len(),
            operator: &node.op_type,
            domain: &node.domain,
        };
        let is_sequence = |id: &ValueId| import.is_sequence(*id);
        if sequences::is_known(&node.op_type) {
            sequences::run(import, &onnx_node)?
        } else if node.op_type != "Identity" && onnx_node.operands.iter().flatten().any(is_sequence)
        {
            return Err("it reads a sequence of tensors as if it were one tensor".to_owned());
        } else {
            operators::import(import, &onnx_node)?
        }
    };
    // Further results, such as a mask or a running mean, matter only if something reads them.
    names.extend(node.output.iter().map(String::as_str).zip(results));
    Ok(())
}

/// In a file for batches, shapes that nodes are given begin with the length of the batch. The graph is
/// for one image.
fn one_image(import: &mut Import, operator: &str, operands: &mut [Option<ValueId>]) {
    let position = match operator {
        _ if import.batch == 1 => return,
        "Reshape" | "Expand" => 1,
        "Resize" => 3,
        _ => return,
    };
    let Some(&[Some(x), ..]) = operands.get(..1) else { return };
    let x = import.value(x);
    if x.constant.is_some() || x.shape.first() != Some(&1) {
        return;
    }
    let Some(Some(shape)) = operands.get(position).copied() else { return };
    let numbers = import.value(shape).constant.as_deref().and_then(HostTensor::as_i64);
    let Some([first, rest @ ..]) = numbers else { return };
    if *first != import.batch as i64 {
        return;
    }
    let numbers = [&[1], rest].concat();
    operands[position] = Some(import.constant(HostTensor::from_i64([numbers.len()], numbers)));
}

/// The value of a graph output, under the output's name; `None` for one that does not depend on the
/// image.
fn output(
    import: &mut Import,
    name: &str,
    names: &Names<'_>,
) -> Result<Option<ValueId>, OnnxError> {
    let malformed = |problem: &str| OnnxError::Malformed(format!("output `{name}` {problem}"));
    let id = *names.get(name).ok_or_else(|| malformed("is not made by any node"))?;
    if import.is_sequence(id) {
        let problem =
            format!("output `{name}` is a sequence of tensors; only tensors can be put out");
        return Err(OnnxError::Unsupported(problem));
    }
    if import.value(id).constant.is_some() {
        return Ok(None);
    }
    // Boxes that are not there are zeros.
    let malformed_by = |problem: String| malformed(&problem);
    let id = import.filled_with(id, 0.0).map_err(malformed_by)?;
    // A value can have only one name, and it may be an output already: give each output its own.
    let shape = import.shape(id);
    import.start_node(name);
    import.emit(Operator::Reshape { shape }, &[id]).map(Some).map_err(|problem| malformed(&problem))
}
