//! Nodes that hold graphs: branches and loops.
//!
//! A branch whose condition depends on the image is computed both ways, a loop is unrolled. An iteration that an
//! image does not need changes nothing.

use framegate_backend_api::graph::{Binary, Operator, ValueId};
use framegate_backend_api::{ElementType, HostTensor};
use framegate_onnx_proto::{GraphProto, NodeProto};

use super::attributes::Attributes;
use super::context::{Import, Problem, axis_of};
use super::paste;
use super::walk::{Names, import_node, initialisers};

/// Longer loops are not unrolled.
const MOST_ITERATIONS: i64 = 4096;

/// Whether an operator of the standard holds graphs.
pub(super) fn is_known(operator: &str) -> bool {
    matches!(operator, "If" | "Loop" | "Scan")
}

/// The results of a node that holds graphs.
pub(super) fn run<'a>(
    import: &mut Import,
    node: &'a NodeProto,
    operands: &[Option<ValueId>],
    names: &mut Names<'a>,
) -> Result<Vec<ValueId>, Problem> {
    match node.op_type.as_str() {
        "If" => branch(import, node, operands, names),
        "Loop" => iterate(import, node, operands, names).or_else(|problem| {
            let masks = paste::unpasted(import, node, names).ok_or(problem)?;
            Ok(vec![masks])
        }),
        _ => scan(import, node, operands, names),
    }
}

fn graph_of<'a>(node: &'a NodeProto, attribute: &str) -> Result<&'a GraphProto, Problem> {
    let graph =
        node.attribute.iter().find(|it| it.name == attribute).and_then(|it| it.g.as_deref());
    graph.ok_or_else(|| format!("attribute `{attribute}` is missing"))
}

/// The outputs of a graph within a node.
fn outputs_of<'a>(
    import: &mut Import,
    graph: &'a GraphProto,
    names: &mut Names<'a>,
) -> Result<Vec<ValueId>, Problem> {
    initialisers(import, graph, names)?;
    for (index, inner) in graph.node.iter().enumerate() {
        import_node(import, inner, index, names).map_err(|problem| problem.to_string())?;
    }
    let output = |name: &str| {
        names.get(name).copied().ok_or_else(|| format!("its graph does not make `{name}`"))
    };
    graph.output.iter().map(|output_| output(&output_.name)).collect()
}

/// A boolean.
#[derive(Debug, Clone, Copy)]
enum Truth {
    /// The same for every image.
    Known(bool),
    /// Held by this scalar.
    Computed(ValueId),
}

fn truth(import: &mut Import, id: ValueId, what: &str) -> Result<Truth, Problem> {
    let value = import.value(id);
    if value.element_type != ElementType::Bool || value.shape.iter().product::<usize>() != 1 {
        return Err(format!("{what} must be one boolean"));
    }
    if let Some(constant) = &value.constant {
        let framegate_backend_api::TensorData::Bool(values) = constant.data() else {
            return Err(format!("{what} must be one boolean"));
        };
        return Ok(Truth::Known(values[0]));
    }
    import.emit(Operator::Reshape { shape: vec![] }, &[id]).map(Truth::Computed)
}

fn branch<'a>(
    import: &mut Import,
    node: &'a NodeProto,
    operands: &[Option<ValueId>],
    names: &mut Names<'a>,
) -> Result<Vec<ValueId>, Problem> {
    let condition = operands.first().copied().flatten().ok_or("the condition is missing")?;
    let condition = match truth(import, condition, "the condition")? {
        Truth::Known(true) => return outputs_of(import, graph_of(node, "then_branch")?, names),
        Truth::Known(false) => return outputs_of(import, graph_of(node, "else_branch")?, names),
        Truth::Computed(condition) => condition,
    };
    let [then, other] = [graph_of(node, "then_branch")?, graph_of(node, "else_branch")?]
        .map(|graph| outputs_of(import, graph, names));
    let pairs = then?.into_iter().zip(other?);
    pairs.map(|(then, other)| import.chosen(condition, [then, other])).collect()
}

fn iterate<'a>(
    import: &mut Import,
    node: &'a NodeProto,
    operands: &[Option<ValueId>],
    names: &mut Names<'a>,
) -> Result<Vec<ValueId>, Problem> {
    let body = graph_of(node, "body")?;
    let operand = |index: usize| operands.get(index).copied().flatten();
    let count = match operand(0) {
        Some(count) => import.numbers_of(count, "the number of iterations")?.first().copied(),
        None => None,
    };
    let most = count.map_or(i64::MAX, |count| count.most());
    let mut carried: Vec<ValueId> =
        operands.iter().skip(2).copied().collect::<Option<_>>().ok_or("a value is missing")?;
    let [number_name, condition_name, inputs @ ..] = &body.input[..] else {
        return Err("its graph has no inputs".to_owned());
    };
    if inputs.len() != carried.len() || body.output.len() <= carried.len() {
        return Err("its graph does not fit its operands".to_owned());
    }
    let mut going = match operand(1) {
        Some(condition) => truth(import, condition, "the condition")?,
        None => Truth::Known(true),
    };
    let mut rows: Vec<Vec<ValueId>> = vec![Vec::new(); body.output.len() - 1 - carried.len()];
    let mut counted = import.constant(HostTensor::from_i64([], vec![0]));
    for number in 0..most.max(0) {
        if number == MOST_ITERATIONS {
            return Err(format!(
                "a loop of more than {MOST_ITERATIONS} iterations is not supported"
            ));
        }
        let index = import.constant(HostTensor::from_i64([], vec![number]));
        if let Some(count) = count.filter(|count| count.least() <= number) {
            let count = import.scalar_of(count)?;
            let more = import.emit(Operator::Binary(Binary::Less), &[index, count])?;
            going = both(import, going, Truth::Computed(more))?;
        }
        let running = match going {
            Truth::Known(false) => break,
            Truth::Known(true) => import.constant(HostTensor::from_bool([], vec![true])),
            Truth::Computed(running) => running,
        };
        names.insert(&number_name.name, index);
        names.insert(&condition_name.name, running);
        names.extend(inputs.iter().map(|input| input.name.as_str()).zip(carried.iter().copied()));
        let outputs = outputs_of(import, body, names)?;
        let (next, results) = outputs.split_first().ok_or("its graph has no outputs")?;
        let (values, scanned) = results.split_at(carried.len());
        for (old, new) in carried.iter_mut().zip(values) {
            *old = match going {
                Truth::Known(_) => *new,
                Truth::Computed(running) => import.chosen(running, [*new, *old])?,
            };
        }
        rows.iter_mut().zip(scanned).for_each(|(rows, row)| rows.push(*row));
        if !rows.is_empty() {
            let one = import.cast(running, ElementType::I64)?;
            counted = import.emit(Operator::Binary(Binary::Add), &[counted, one])?;
        }
        let next = truth(import, *next, "the condition")?;
        going = both(import, going, next)?;
    }
    for rows in rows {
        let joined = stacked(import, &rows, 0)?;
        if import.value(counted).constant.is_none() {
            let extent = import.count_in(counted, 0, rows.len() as i64)?;
            carried.push(import.cut(joined, 0, extent)?);
        } else {
            carried.push(joined);
        }
    }
    Ok(carried)
}

fn both(import: &mut Import, a: Truth, b: Truth) -> Result<Truth, Problem> {
    Ok(match (a, b) {
        (Truth::Known(false), _) | (_, Truth::Known(false)) => Truth::Known(false),
        (Truth::Known(true), other) | (other, Truth::Known(true)) => other,
        (Truth::Computed(a), Truth::Computed(b)) => {
            Truth::Computed(import.emit(Operator::Binary(Binary::And), &[a, b])?)
        }
    })
}

/// Values joined along a new axis.
pub(super) fn stacked(
    import: &mut Import,
    rows: &[ValueId],
    axis: usize,
) -> Result<ValueId, Problem> {
    let Some(first) = rows.first() else {
        return Err("a loop without iterations has no results".to_owned());
    };
    let mut shape = import.shape(*first);
    if axis > shape.len() {
        return Err(format!("its results have no axis {axis}"));
    }
    shape.insert(axis, 1);
    let mut parts = Vec::with_capacity(rows.len());
    for row in rows {
        parts.push(import.emit(Operator::Reshape { shape: shape.clone() }, &[*row])?);
    }
    import.emit(Operator::Concat { axis }, &parts)
}

fn scan<'a>(
    import: &mut Import,
    node: &'a NodeProto,
    operands: &[Option<ValueId>],
    names: &mut Names<'a>,
) -> Result<Vec<ValueId>, Problem> {
    if import.opset < 9 {
        return Err("it is of a version before 9".to_owned());
    }
    let body = graph_of(node, "body")?;
    let attributes = Attributes::of(node);
    let scanned = attributes.integer("num_scan_inputs")?.ok_or("`num_scan_inputs` is missing")?;
    let operands: Vec<ValueId> =
        operands.iter().copied().collect::<Option<_>>().ok_or("a value is missing")?;
    let states =
        usize::try_from(scanned).ok().and_then(|scanned| operands.len().checked_sub(scanned));
    let states = states.filter(|states| {
        body.input.len() == operands.len()
            && body.output.len() >= *states
            && *states < operands.len()
    });
    let (carried, sequences) =
        operands.split_at(states.ok_or("its graph does not fit its operands")?);
    let mut carried = carried.to_vec();
    let results = body.output.len() - carried.len();
    let list = |name: &str, len: usize| -> Result<Vec<i64>, Problem> {
        let list = attributes.integers(name)?.unwrap_or_else(|| vec![0; len]);
        if list.len() == len { Ok(list) } else { Err(format!("`{name}` has another length")) }
    };
    let axes = list("scan_input_axes", sequences.len())?;
    let backwards = list("scan_input_directions", sequences.len())?;
    let result_axes = list("scan_output_axes", results)?;
    let results_backwards = list("scan_output_directions", results)?;

    let mut along = Vec::new();
    for (id, axis) in sequences.iter().zip(axes) {
        along.push((*id, axis_of(axis, import.shape(*id).len())?));
    }
    let lens = along.iter().map(|(id, axis)| import.extents(*id)[*axis].number());
    let len =
        lens.collect::<Option<Vec<_>>>().ok_or("the number of iterations depends on the image")?;
    if len.iter().any(|other| *other != len[0]) || len[0] > MOST_ITERATIONS {
        return Err(format!("sequences of {len:?} elements cannot be scanned together"));
    }
    let mut rows: Vec<Vec<ValueId>> = vec![Vec::new(); results];
    for number in 0..len[0] {
        let (states, inputs) = body.input.split_at(carried.len());
        names.extend(states.iter().map(|input| input.name.as_str()).zip(carried.iter().copied()));
        for ((input, (id, axis)), backwards) in inputs.iter().zip(&along).zip(&backwards) {
            let index = if *backwards == 1 { len[0] - 1 - number } else { number };
            let index = import.constant(HostTensor::from_i64([], vec![index]));
            let element = import.emit(Operator::Gather { axis: *axis }, &[*id, index])?;
            names.insert(&input.name, element);
        }
        let outputs = outputs_of(import, body, names)?;
        let (values, scanned) = outputs.split_at(carried.len());
        carried.copy_from_slice(values);
        rows.iter_mut().zip(scanned).for_each(|(rows, row)| rows.push(*row));
    }
    for ((mut rows, axis), backwards) in rows.into_iter().zip(result_axes).zip(results_backwards) {
        if backwards == 1 {
            rows.reverse();
        }
        let rank = rows.first().map_or(0, |row| import.shape(*row).len());
        carried.push(stacked(import, &rows, axis_of(axis, rank + 1)?)?);
    }
    Ok(carried)
}
