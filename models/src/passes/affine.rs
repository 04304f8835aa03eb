//! Moves factors and offsets per channel into the convolution before them.
//!
//! This is what is left of batch normalisation: with `y = w ∗ x + b`, `y · f` is the convolution by
//! `w · f` with bias `b · f`, and `y + o` has bias `b + o`.

use framegate_backend_api::{
    HostTensor,
    graph::{Binary, Graph, Node, Operator, Value, ValueId},
};

use super::Redirects;

/// Folds every such factor and offset; their nodes are left dead.
pub(super) fn fold(graph: &mut Graph) {
    let mut uses = graph.use_counts();
    let producers = graph.producers();
    let mut redirects = Redirects::new(graph);
    for index in 0..graph.nodes.len() {
        redirects.visit(&mut graph.nodes[index]);
        let Some((source, change)) = per_channel_change(graph, &graph.nodes[index]) else {
            continue;
        };
        let result = graph.nodes[index].outputs[0];
        // A constant with more channels than the feature map would broadcast the feature map.
        if graph.value(source).shape != graph.value(result).shape {
            continue;
        }
        let Some(producer) = producers[source.0].filter(|_| uses[source.0] == 1) else {
            continue;
        };
        let Some((weight, bias)) = changed_filter(graph, &graph.nodes[producer], &change) else {
            continue;
        };
        let x = graph.nodes[producer].inputs[0];
        let (weight, bias) = (add_constant(graph, weight), add_constant(graph, bias));
        graph.nodes[producer].inputs = vec![x, weight, bias];
        if redirects.is_output(result) {
            graph.values[source.0].name = graph.value(result).name.clone();
        }
        redirects.replace(result, source);
        // Readers of this node now read the convolution.
        uses[source.0] = uses[result.0];
    }
    redirects.finish(graph);
}

/// One factor and one offset per channel, or one for all.
pub(super) struct Change {
    pub(super) factors: Vec<f32>,
    pub(super) offsets: Vec<f32>,
}

impl Change {
    fn factor(&self, channel: usize) -> f64 {
        pick(&self.factors, channel, 1.0)
    }

    fn offset(&self, channel: usize) -> f64 {
        pick(&self.offsets, channel, 0.0)
    }
}

fn pick(numbers: &[f32], channel: usize, absent: f64) -> f64 {
    match numbers {
        [] => absent,
        [one] => f64::from(*one),
        each => f64::from(each[channel]),
    }
}

/// What a node does to the channels of a feature map, and to which value.
pub(super) fn per_channel_change(graph: &Graph, node: &Node) -> Option<(ValueId, Change)> {
    let Operator::Binary(binary) = node.operator else {
        return None;
    };
    let (a, b) = (node.inputs[0], node.inputs[1]);
    let result = graph.value(node.outputs[0]);
    let numbers = |id: ValueId| channel_numbers(graph.value(id), result);
    let change = |factors: Vec<f32>, offsets: Vec<f32>| Change { factors, offsets };
    let mapped = |numbers: Vec<f32>, f: fn(f32) -> f32| numbers.into_iter().map(f).collect();
    match binary {
        Binary::Mul => Some(match numbers(b) {
            Some(factors) => (a, change(factors, vec![])),
            None => (b, change(numbers(a)?, vec![])),
        }),
        Binary::Add => Some(match numbers(b) {
            Some(offsets) => (a, change(vec![], offsets)),
            None => (b, change(vec![], numbers(a)?)),
        }),
        Binary::Sub => Some((a, change(vec![], mapped(numbers(b)?, |x| -x)))),
        Binary::Div => Some((a, change(mapped(numbers(b)?, |x| 1.0 / x), vec![]))),
        _ => None,
    }
}

/// The numbers of a constant that broadcasts along batch, height and width of a feature map.
fn channel_numbers(constant: &Value, x: &Value) -> Option<Vec<f32>> {
    let numbers = constant.constant.as_ref()?.as_f32()?;
    let [1, channels, _, _] = x.shape[..] else {
        return None;
    };
    let per_channel = matches!(constant.shape[..], [c, 1, 1] | [1, c, 1, 1] if c == channels);
    let single = numbers.len() == 1 && constant.shape.len() <= 4;
    (per_channel || single).then(|| numbers.to_vec())
}

/// The convolution's weight and bias after the change, or `None` if it cannot take it up.
fn changed_filter(graph: &Graph, node: &Node, change: &Change) -> Option<(HostTensor, HostTensor)> {
    let weight = graph.value(*node.inputs.get(1)?).constant.as_ref()?;
    let bias = match node.inputs.get(2) {
        Some(bias) => Some(graph.value(*bias).constant.as_ref()?.as_f32()?),
        None => None,
    };
    let shape = weight.shape();
    let filter_of: Box<dyn Fn(usize) -> usize> = match &node.operator {
        Operator::Convolution(convolution) if convolution.activation.is_none() => {
            let filter_len = shape[1..].iter().product::<usize>();
            Box::new(move |position| position / filter_len)
        }
        Operator::TransposedConvolution(convolution) if convolution.activation.is_none() => {
            // [C, filters / groups, kh, kw]: the group is that of the input channel.
            let (group_filters, taps) = (shape[1], shape[2] * shape[3]);
            let group_channels = shape[0] / convolution.groups;
            Box::new(move |position| {
                let channel = position / (group_filters * taps);
                channel / group_channels * group_filters + position / taps % group_filters
            })
        }
        _ => return None,
    };
    let changed =
        weight.as_f32()?.iter().enumerate().map(|(position, weight)| {
            (f64::from(*weight) * change.factor(filter_of(position))) as f32
        });
    let filters = graph.value(node.outputs[0]).shape[1];
    let changed_bias = (0..filters).map(|filter| {
        let bias = bias.map_or(0.0, |bias| f64::from(bias[filter]));
        (bias * change.factor(filter) + change.offset(filter)) as f32
    });
    Some((
        HostTensor::from_f32(shape, changed.collect()),
        HostTensor::from_f32([filters], changed_bias.collect()),
    ))
}

fn add_constant(graph: &mut Graph, tensor: HostTensor) -> ValueId {
    graph.values.push(Value {
        name: String::new(),
        element_type: tensor.element_type(),
        shape: tensor.shape().to_vec(),
        constant: Some(tensor.into()),
    });
    ValueId(graph.values.len() - 1)
}
