//! Makes nodes that only put something around a feature map part of the convolution or pool that reads the result.
//! Exporters of TensorFlow write such nodes, and so does PyTorch where padding differs from side to side.

use framegate_backend_api::graph::{Graph, Node, Operator, PadMode, Padding};

/// Lets every convolution that reads zeros around a feature map, and every max pool that reads negative infinity there,
/// read the feature map itself. Padding that nothing reads any more is left dead.
pub(super) fn fold(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let x = graph.nodes[index].inputs.first();
        let Some(producer) = x.and_then(|x| producers[x.0]) else { continue };
        let Some((added, fill)) = surrounding(&graph.nodes[producer]) else { continue };
        let x = graph.nodes[producer].inputs[0];
        let node = &mut graph.nodes[index];
        match &mut node.operator {
            Operator::Convolution(convolution) if fill == 0.0 => {
                convolution.padding = sum(convolution.padding, added);
            }
            Operator::MaxPool(window)
                if fill == f32::NEG_INFINITY
                    && is_less(sum(window.padding, added), window.kernel) =>
            {
                window.padding = sum(window.padding, added);
            }
            _ => continue,
        }
        node.inputs[0] = x;
    }
}

/// The padding that a node puts around a feature map, and the number that it is filled with.
fn surrounding(node: &Node) -> Option<(Padding, f32)> {
    let Operator::Pad(pad) = &node.operator else { return None };
    let PadMode::Constant(fill) = pad.mode else { return None };
    match (&pad.before[..], &pad.after[..]) {
        (&[0, 0, top, left], &[0, 0, bottom, right]) => {
            Some((Padding { top, left, bottom, right }, fill))
        }
        _ => None,
    }
}

fn sum(a: Padding, b: Padding) -> Padding {
    Padding {
        top: a.top + b.top,
        left: a.left + b.left,
        bottom: a.bottom + b.bottom,
        right: a.right + b.right,
    }
}

/// Whether every window has an element, as pools must.
fn is_less(padding: Padding, kernel: [usize; 2]) -> bool {
    padding.top.max(padding.bottom) < kernel[0] && padding.left.max(padding.right) < kernel[1]
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Convolution, GraphBuilder, Pad, Window};

    use super::*;

    const AROUND: Padding = Padding { top: 1, left: 0, bottom: 2, right: 1 };

    /// The operator after padding by `fill`, once the pass has run, and whether it reads the graph's input.
    fn folded(fill: f32, next: Operator) -> (Operator, bool) {
        let mut builder = GraphBuilder::new("x", [1, 1, 5, 5]);
        let x = builder.input();
        let pad = Pad {
            before: vec![0, 0, AROUND.top, AROUND.left],
            after: vec![0, 0, AROUND.bottom, AROUND.right],
            mode: PadMode::Constant(fill),
        };
        let mut inputs = vec![builder.push("pad", Operator::Pad(pad), &[x]).unwrap()];
        if matches!(next, Operator::Convolution(_)) {
            let weights = HostTensor::from_f32([1, 1, 3, 3], vec![1.0; 9]);
            inputs.push(builder.constant("weights", weights));
        }
        let y = builder.push("next", next, &inputs).unwrap();
        let mut graph = builder.finish(vec![y]);
        fold(&mut graph);
        let input = graph.input;
        let node = graph.nodes.pop().unwrap();
        (node.operator, node.inputs[0] == input)
    }

    fn convolution(padding: Padding) -> Operator {
        let (stride, dilation) = ([2, 2], [1, 1]);
        Operator::Convolution(Convolution {
            stride,
            dilation,
            padding,
            groups: 1,
            activation: None,
        })
    }

    fn pool(padding: Padding, side: usize) -> Operator {
        let (stride, dilation) = ([2, 2], [1, 1]);
        Operator::MaxPool(Window { kernel: [side; 2], stride, dilation, padding })
    }

    #[test]
    fn zeros_around_a_feature_map_become_padding() {
        let own = Padding { top: 1, left: 1, bottom: 0, right: 0 };
        let both = Padding { top: 2, left: 1, bottom: 2, right: 1 };
        assert_eq!(folded(0.0, convolution(own)), (convolution(both), true));
        assert_eq!(folded(1.0, convolution(own)), (convolution(own), false));
    }

    #[test]
    fn a_pool_takes_up_what_is_never_the_largest() {
        let none = Padding::default();
        assert_eq!(folded(f32::NEG_INFINITY, pool(none, 3)), (pool(AROUND, 3), true));
        assert_eq!(folded(0.0, pool(none, 3)), (pool(none, 3), false));
        // The last rows would have windows without an element.
        assert_eq!(folded(f32::NEG_INFINITY, pool(none, 2)), (pool(none, 2), false));
    }
}
