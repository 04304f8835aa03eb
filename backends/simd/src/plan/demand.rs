//! In which form each blocked value is wanted: as it is, rounded to bf16, or both.

use framegate_backend_api::graph::{Graph, Operator, Resize, ResizeMode, ValueId};

use super::classify::{Kind, multiplies_pairs};
use super::fuse::Fusions;
use super::views::Movement;
use crate::precision::Precision;

/// A form of a blocked value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `f32`, as it was computed.
    Exact,
    /// bf16.
    Rounded,
}

/// The forms in which a value is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) exact: bool,
    pub(crate) rounded: bool,
}

impl Demand {
    pub(crate) fn has(self, form: Form) -> bool {
        match form {
            Form::Exact => self.exact,
            Form::Rounded => self.rounded,
        }
    }

    fn add(&mut self, other: Self) {
        self.exact |= other.exact;
        self.rounded |= other.rounded;
    }
}

/// The demand for each value, by value number. What nobody reads is wanted as it is.
pub(crate) fn demands(
    graph: &Graph,
    kinds: &[Kind],
    fusions: &Fusions,
    movements: &[Movement],
    precision: Precision,
) -> Vec<Demand> {
    let exact = Demand { exact: true, rounded: false };
    let rounded = Demand { exact: false, rounded: true };
    let mut demands = vec![Demand::default(); graph.values.len()];
    for id in &graph.outputs {
        demands[id.0].add(exact);
    }
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let Some(fusion) = &fusions.of_node[index] else { continue };
        if kinds[index] == Kind::Plain {
            match &movements[index] {
                Movement::Usual => node.inputs.iter().for_each(|id| demands[id.0].add(exact)),
                Movement::Absorbed => {}
                Movement::Gather(sources) => {
                    sources.iter().for_each(|source| demands[source.value.0].add(exact));
                }
            }
            continue;
        }
        let mut own = demands[fusion.result.0];
        if own == Demand::default() {
            own = exact;
            demands[fusion.result.0] = own;
        }
        if let Some(residual) = fusion.residual {
            demands[residual.0].add(exact);
        }
        let operands =
            match &node.operator {
                Operator::Convolution(_) | Operator::TransposedConvolution(_)
                    if precision == Precision::Bf16 =>
                {
                    if multiplies_pairs(graph, node, kinds[index]) { rounded } else { exact }
                }
                // What only moves elements moves them in the form in which they are wanted.
                Operator::Concat { .. } | Operator::Slice(_) if kinds[index] == Kind::Kernel => own,
                Operator::Resize(Resize { mode: ResizeMode::Nearest(_), .. }) if !own.exact => {
                    rounded
                }
                _ => exact,
            };
        let read = match &node.operator {
            Operator::Concat { .. } | Operator::Binary(_) => &node.inputs[..],
            _ => &node.inputs[..1],
        };
        read.iter().for_each(|id: &ValueId| demands[id.0].add(operands));
    }
    demands
}
