//! Names of graph operators in reports.

use std::collections::BTreeMap;
use std::fmt::Debug;

use framegate_backend_api::graph::{Convolution, Graph, Operator, TransposedConvolution};

/// How often each operator occurs in a graph.
pub(super) fn counts(graph: &Graph) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for node in &graph.nodes {
        *counts.entry(name(&node.operator)).or_default() += 1;
    }
    counts
}

/// The name of an operator, with the activation fused into it.
fn name(operator: &Operator) -> String {
    match operator {
        Operator::Activation(function) => variant(function),
        Operator::Unary(function) => variant(function),
        Operator::Binary(function) => variant(function),
        Operator::Convolution(Convolution { activation: Some(activation), .. })
        | Operator::TransposedConvolution(TransposedConvolution {
            activation: Some(activation),
            ..
        }) => format!("{} + {}", variant(operator), variant(activation)),
        operator => variant(operator),
    }
}

/// The name of an enum's variant: what its derived `Debug` output starts with.
fn variant(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(|character| character.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use framegate_backend_api::graph::{Activation, Binary, Padding};

    #[test]
    fn names_include_the_fused_activation() {
        let mut convolution = Convolution {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: 1,
            activation: None,
        };
        assert_eq!(name(&Operator::Convolution(convolution.clone())), "Convolution");
        convolution.activation = Some(Activation::LeakyRelu { slope: 0.1 });
        assert_eq!(name(&Operator::Convolution(convolution)), "Convolution + LeakyRelu");
        assert_eq!(name(&Operator::Binary(Binary::Add)), "Add");
        assert_eq!(name(&Operator::Concat { axis: 1 }), "Concat");
    }
}
