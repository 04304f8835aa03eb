//! `LSTM`, `GRU` and `RNN`, step by step: the length of a sequence is known when a file is read.

use framegate_backend_api::{
    HostTensor,
    graph::{Activation, AxisSlice, Binary, Operator, ValueId},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::Problem;

/// Longer sequences would make a graph of too many nodes.
const MOST_STEPS: usize = 512;

/// A layer in one direction.
struct Direction {
    /// `[T, B, gates · H]`: what the sequence adds to each gate.
    inputs: ValueId,
    /// `[H, gates · H]`
    recurrence: ValueId,
    /// `[gates · H]`, added to the recurrent part.
    bias: Option<ValueId>,
    hidden: usize,
    activations: Vec<Activation>,
    /// Before the new state is multiplied with the reset gate, or after it.
    linear_before_reset: bool,
    /// Peephole weights of the input, output and forget gates, `[H]` each.
    peepholes: Option<[ValueId; 3]>,
}

/// Hidden state and, for an LSTM, cell state, both `[B, H]`.
type State = (ValueId, ValueId);

pub(super) fn recurrent(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let batch_first = node.attributes.flag("layout", false)?;
    let mut x = node.operand(0)?;
    if batch_first {
        x = swapped(graph, x)?;
    }
    let [steps, batch, _] = graph.shape(x)[..] else {
        return Err("the sequence must have three axes".to_owned());
    };
    if steps == 0 || steps > MOST_STEPS {
        return Err(format!("{steps} steps are not supported; from 1 to {MOST_STEPS} are"));
    }
    let recurrence = graph.shape(node.operand(2)?);
    let [directions, _, hidden] = recurrence[..] else {
        return Err(format!("recurrent weights of shape {recurrence:?} make no sense"));
    };
    let reverse = match (node.attributes.text_or("direction", "forward")?.as_str(), directions) {
        ("forward", 1) => vec![false],
        ("reverse", 1) => vec![true],
        ("bidirectional", 2) => vec![false, true],
        (other, _) => return Err(format!("direction `{other}` does not fit its weights")),
    };
    let lengths = lengths(graph, node, [steps, batch], reverse.contains(&true))?;
    let (mut outputs, mut hidden_states, mut cell_states) = (Vec::new(), Vec::new(), Vec::new());
    for (index, reverse) in reverse.into_iter().enumerate() {
        let direction = direction(graph, node, x, index, hidden)?;
        let mut initial = |operand: usize| -> Result<ValueId, Problem> {
            match node.optional(operand) {
                Some(id) => {
                    let id = if batch_first { swapped(graph, id)? } else { id };
                    part(graph, id, index)
                }
                None => {
                    let zeros = vec![0.0; batch * hidden];
                    Ok(graph.constant(HostTensor::from_f32([batch, hidden], zeros)))
                }
            }
        };
        let has_cells = node.operator == "LSTM";
        let hidden_state = initial(5)?;
        let mut state = (hidden_state, if has_cells { initial(6)? } else { hidden_state });
        let mut results = vec![hidden_state; steps];
        for step in 0..steps {
            let at = if reverse { steps - 1 - step } else { step };
            let inputs = part(graph, direction.inputs, at)?;
            let next = match node.operator {
                "LSTM" => direction.lstm(graph, inputs, state)?,
                "GRU" => direction.gru(graph, inputs, state)?,
                _ => direction.rnn(graph, inputs, state)?,
            };
            results[at] = next.0;
            let mut new = next;
            if let Some(runs) = lengths.as_ref().map(|lengths| running(graph, lengths, at)) {
                let zero = graph.scalar(0.0);
                results[at] = graph.emit(Operator::Where, &[runs, next.0, zero])?;
                new.0 = graph.emit(Operator::Where, &[runs, next.0, state.0])?;
                new.1 = graph.emit(Operator::Where, &[runs, next.1, state.1])?;
            }
            state = new;
        }
        outputs.push(stacked(graph, &results, 0)?);
        hidden_states.push(state.0);
        cell_states.push(state.1);
    }
    // [T, B, H] of each direction → [T, D, B, H]
    let y = stacked(graph, &outputs, 1)?;
    let mut results = vec![y, stacked(graph, &hidden_states, 0)?, stacked(graph, &cell_states, 0)?];
    if batch_first {
        results[0] = graph.emit(Operator::Transpose { permutation: vec![2, 0, 1, 3] }, &[y])?;
        for result in &mut results[1..] {
            *result = swapped(graph, *result)?;
        }
    }
    Ok(results)
}

/// The length of each sequence, unless all are as long as there are steps.
fn lengths(
    graph: &Import,
    node: &OnnxNode<'_>,
    [steps, batch]: [usize; 2],
    any_reverse: bool,
) -> Result<Option<Vec<i64>>, Problem> {
    let Some(id) = node.optional(4) else { return Ok(None) };
    let lengths = graph.integers_of(id, "the lengths of sequences")?;
    if lengths.iter().all(|length| *length == steps as i64) {
        return Ok(None);
    }
    if any_reverse || lengths.len() != batch {
        return Err("sequences of different lengths run forwards only".to_owned());
    }
    Ok(Some(lengths))
}

/// Which sequences of a batch are not over yet, `[B, 1]`.
fn running(graph: &mut Import, lengths: &[i64], step: usize) -> ValueId {
    let runs = lengths.iter().map(|length| (step as i64) < *length).collect();
    graph.constant(HostTensor::from_bool([lengths.len(), 1], runs))
}

fn direction(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
    index: usize,
    hidden: usize,
) -> Result<Direction, Problem> {
    let attributes = node.attributes;
    if attributes.has("clip") || attributes.flag("input_forget", false)? {
        return Err("clipping and coupled gates are not supported".to_owned());
    }
    let (gates, defaults): (usize, &[&str]) = match node.operator {
        "LSTM" => (4, &["Sigmoid", "Tanh", "Tanh"]),
        "GRU" => (3, &["Sigmoid", "Tanh"]),
        _ => (1, &["Tanh"]),
    };
    let [mut weight, mut recurrence] =
        [part(graph, node.operand(1)?, index)?, part(graph, node.operand(2)?, index)?];
    weight = swapped(graph, weight)?;
    recurrence = swapped(graph, recurrence)?;
    let mut inputs = graph.emit(Operator::MatMul, &[x, weight])?;
    let mut bias = None;
    if let Some(both) = node.optional(3) {
        let both = part(graph, both, index)?;
        let len = gates * hidden;
        let own = piece(graph, both, 0, len)?;
        inputs = graph.emit(Operator::Binary(Binary::Add), &[inputs, own])?;
        bias = Some(piece(graph, both, len, len)?);
    }
    let peepholes = match node.optional(7).filter(|_| node.operator == "LSTM") {
        Some(all) => {
            let all = part(graph, all, index)?;
            let mut own = |at: usize| piece(graph, all, at * hidden, hidden);
            Some([own(0)?, own(1)?, own(2)?])
        }
        None => None,
    };
    let names = match attributes.texts("activations")? {
        Some(names) => {
            names.get(index * defaults.len()..(index + 1) * defaults.len()).map(<[_]>::to_vec)
        }
        None => Some(defaults.iter().map(|name| (*name).to_owned()).collect()),
    };
    let names = names.ok_or("there are too few activations")?;
    let activations = names.iter().map(|name| activation_named(name)).collect::<Result<_, _>>()?;
    let linear_before_reset = attributes.flag("linear_before_reset", false)?;
    Ok(Direction { inputs, recurrence, bias, hidden, activations, linear_before_reset, peepholes })
}

fn activation_named(name: &str) -> Result<Activation, Problem> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "relu" => Activation::Relu,
        other => return Err(format!("activation `{other}` of a recurrent layer is not supported")),
    })
}

impl Direction {
    /// The hidden state's share of some gates, `count` from `first` on.
    fn recurrent_part(
        &self,
        graph: &mut Import,
        state: ValueId,
        first: usize,
        count: usize,
    ) -> Result<ValueId, Problem> {
        let (start, len) = (first * self.hidden, count * self.hidden);
        let weight = columns(graph, self.recurrence, start, len)?;
        let product = graph.emit(Operator::MatMul, &[state, weight])?;
        match self.bias {
            Some(bias) => {
                let bias = piece(graph, bias, start, len)?;
                graph.emit(Operator::Binary(Binary::Add), &[product, bias])
            }
            None => Ok(product),
        }
    }

    fn activated(&self, graph: &mut Import, index: usize, x: ValueId) -> Result<ValueId, Problem> {
        graph.emit(Operator::Activation(self.activations[index]), &[x])
    }

    fn gate(&self, graph: &mut Import, gates: ValueId, index: usize) -> Result<ValueId, Problem> {
        columns(graph, gates, index * self.hidden, self.hidden)
    }

    /// Gates in the order input, output, forget, cell.
    fn lstm(&self, graph: &mut Import, inputs: ValueId, state: State) -> Result<State, Problem> {
        let (hidden, cell) = state;
        let recurrent = self.recurrent_part(graph, hidden, 0, 4)?;
        let gates = graph.emit(Operator::Binary(Binary::Add), &[inputs, recurrent])?;
        let input = self.peeping(graph, gates, 0, cell)?;
        let forget = self.peeping(graph, gates, 2, cell)?;
        let (input, forget) = (self.activated(graph, 0, input)?, self.activated(graph, 0, forget)?);
        let candidate = self.gate(graph, gates, 3)?;
        let candidate = self.activated(graph, 1, candidate)?;
        let kept = graph.emit(Operator::Binary(Binary::Mul), &[forget, cell])?;
        let added = graph.emit(Operator::Binary(Binary::Mul), &[input, candidate])?;
        let cell = graph.emit(Operator::Binary(Binary::Add), &[kept, added])?;
        let output = self.peeping(graph, gates, 1, cell)?;
        let output = self.activated(graph, 0, output)?;
        let bounded = self.activated(graph, 2, cell)?;
        Ok((graph.emit(Operator::Binary(Binary::Mul), &[output, bounded])?, cell))
    }

    /// A gate of an LSTM that may look at the cell.
    fn peeping(
        &self,
        graph: &mut Import,
        gates: ValueId,
        index: usize,
        cell: ValueId,
    ) -> Result<ValueId, Problem> {
        let gate = self.gate(graph, gates, index)?;
        let Some(peepholes) = self.peepholes else { return Ok(gate) };
        let seen = graph.emit(Operator::Binary(Binary::Mul), &[peepholes[index], cell])?;
        graph.emit(Operator::Binary(Binary::Add), &[gate, seen])
    }

    /// Gates in the order update, reset, hidden.
    fn gru(&self, graph: &mut Import, inputs: ValueId, state: State) -> Result<State, Problem> {
        let (old, _) = state;
        let own = columns(graph, inputs, 0, 2 * self.hidden)?;
        let recurrent = self.recurrent_part(graph, old, 0, 2)?;
        let gates = graph.emit(Operator::Binary(Binary::Add), &[own, recurrent])?;
        let gates = self.activated(graph, 0, gates)?;
        let (update, reset) = (self.gate(graph, gates, 0)?, self.gate(graph, gates, 1)?);
        let recurrent = if self.linear_before_reset {
            let recurrent = self.recurrent_part(graph, old, 2, 1)?;
            graph.emit(Operator::Binary(Binary::Mul), &[reset, recurrent])?
        } else {
            let kept = graph.emit(Operator::Binary(Binary::Mul), &[reset, old])?;
            self.recurrent_part(graph, kept, 2, 1)?
        };
        let own = self.gate(graph, inputs, 2)?;
        let candidate = graph.emit(Operator::Binary(Binary::Add), &[own, recurrent])?;
        let candidate = self.activated(graph, 1, candidate)?;
        // (1 − z) · candidate + z · old
        let change = graph.emit(Operator::Binary(Binary::Sub), &[old, candidate])?;
        let change = graph.emit(Operator::Binary(Binary::Mul), &[update, change])?;
        let new = graph.emit(Operator::Binary(Binary::Add), &[candidate, change])?;
        Ok((new, new))
    }

    fn rnn(&self, graph: &mut Import, inputs: ValueId, state: State) -> Result<State, Problem> {
        let recurrent = self.recurrent_part(graph, state.0, 0, 1)?;
        let sum = graph.emit(Operator::Binary(Binary::Add), &[inputs, recurrent])?;
        let new = self.activated(graph, 0, sum)?;
        Ok((new, new))
    }
}

/// Entry `index` of the first axis, which disappears.
fn part(graph: &mut Import, x: ValueId, index: usize) -> Result<ValueId, Problem> {
    let shape = graph.shape(x);
    let (extent, rest) = shape.split_first().ok_or("an operand has no axes")?;
    if index >= *extent {
        return Err("an operand has too few directions".to_owned());
    }
    let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
    slices[0] = AxisSlice { start: index, step: 1, len: 1 };
    let one = graph.emit(Operator::Slice(slices), &[x])?;
    graph.emit(Operator::Reshape { shape: rest.to_vec() }, &[one])
}

/// Some elements of a vector.
fn piece(graph: &mut Import, x: ValueId, start: usize, len: usize) -> Result<ValueId, Problem> {
    graph.emit(Operator::Slice(vec![AxisSlice { start, step: 1, len }]), &[x])
}

/// Some columns of a matrix.
fn columns(graph: &mut Import, x: ValueId, start: usize, len: usize) -> Result<ValueId, Problem> {
    let [rows, _] = graph.shape(x)[..] else { return Err("a matrix is needed".to_owned()) };
    let slices = vec![AxisSlice::all(rows), AxisSlice { start, step: 1, len }];
    graph.emit(Operator::Slice(slices), &[x])
}

/// The first two axes in the other order.
fn swapped(graph: &mut Import, x: ValueId) -> Result<ValueId, Problem> {
    let axes = graph.shape(x).len();
    if axes < 2 {
        return Err("an operand has too few axes".to_owned());
    }
    let mut permutation: Vec<usize> = (0..axes).collect();
    permutation.swap(0, 1);
    graph.emit(Operator::Transpose { permutation }, &[x])
}

/// Puts tensors of one shape along a new axis.
fn stacked(graph: &mut Import, parts: &[ValueId], axis: usize) -> Result<ValueId, Problem> {
    let apart = parts.iter().map(|id| {
        let mut shape = graph.shape(*id);
        shape.insert(axis, 1);
        graph.emit(Operator::Reshape { shape }, &[*id])
    });
    let apart = apart.collect::<Result<Vec<_>, _>>()?;
    graph.emit(Operator::Concat { axis }, &apart)
}

#[cfg(test)]
mod tests {
    use framegate_onnx_proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};

    use crate::onnx::walk::import_varying;

    /// A layer of two states on a sequence of two steps, with weights of this shape.
    fn layer_with_weights(dims: &[i64]) -> Result<(), String> {
        let weights = |name: &str, dims: &[i64]| TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: 1,
            float_data: vec![0.5; dims.iter().product::<i64>() as usize],
            ..TensorProto::default()
        };
        let file = GraphProto {
            node: vec![NodeProto {
                op_type: "RNN".to_owned(),
                input: ["sequence", "weights", "recurrence"].map(str::to_owned).to_vec(),
                output: vec!["states".to_owned()],
                ..NodeProto::default()
            }],
            initializer: vec![weights("weights", dims), weights("recurrence", &[1, 2, 2])],
            output: vec![ValueInfoProto { name: "states".to_owned(), ..ValueInfoProto::default() }],
            ..GraphProto::default()
        };
        let graph = import_varying(&file, 17, "sequence", &[2, 1, 3]);
        graph.map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn weights_with_too_few_axes_are_an_error() {
        assert_eq!(layer_with_weights(&[1, 2, 3]), Ok(()));
        for dims in [&[1][..], &[1, 6]] {
            let error = layer_with_weights(dims).unwrap_err();
            assert!(error.contains("too few axes"), "{error}");
        }
    }
}
