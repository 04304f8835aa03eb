//! Which values become numbers of 8 bits, and which of them share a scale.

use std::collections::BTreeMap;

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Activation, Binary, Graph, Operator, ValueId};

use super::range::{Observation, Scale};
use crate::passes::moves_elements;

/// The values that are quantised.
#[derive(Debug)]
pub(super) struct Maps {
    /// By value: another of its group, or itself at the end of such a chain. `None` for what stays `f32`.
    next: Vec<Option<ValueId>>,
}

impl Maps {
    /// Finds the values that the convolutions read, and everything on the way from one to another, so that numbers
    /// are quantised once, where they are computed. In
    ///
    /// ```text
    /// a ─▶ convolution ─ b ─▶ concat ─ d ─▶ convolution ─▶ e
    ///                    c ─▶
    /// ```
    ///
    /// those are `a`, `b`, `c` and `d`; the last three share a scale, since joining them computes nothing.
    pub(super) fn between(graph: &Graph, convolutions: &[usize]) -> Self {
        let mut maps = Self { next: vec![None; graph.values.len()] };
        convolutions.iter().for_each(|index| maps.add(graph.nodes[*index].inputs[0]));
        let producers = graph.producers();
        for node in graph.nodes.iter().rev() {
            let result = node.outputs[0];
            if maps.next[result.0].is_none() {
                continue;
            }
            let is_map = |id: &&ValueId| {
                let value = graph.value(**id);
                value.constant.is_none() && value.element_type == ElementType::F32
            };
            // A sum that is cut off below 0 is computed with it.
            let node = match (&node.operator, producers[node.inputs[0].0]) {
                (Operator::Activation(Activation::Relu), Some(before))
                    if matches!(graph.nodes[before].operator, Operator::Binary(_)) =>
                {
                    &graph.nodes[before]
                }
                _ => node,
            };
            match &node.operator {
                operator if moves_elements(operator) => {
                    for id in node.inputs.iter().filter(is_map) {
                        maps.add(*id);
                        maps.join(*id, result);
                    }
                }
                Operator::Binary(Binary::Add | Binary::Mul) => {
                    let same = |id: &&ValueId| graph.value(**id).shape == graph.value(result).shape;
                    node.inputs.iter().filter(is_map).filter(same).for_each(|id| maps.add(*id));
                }
                _ => {}
            }
        }
        maps
    }

    /// The values, in the order of their numbers.
    pub(super) fn values(&self) -> Vec<ValueId> {
        (0..self.next.len()).map(ValueId).filter(|id| self.next[id.0].is_some()).collect()
    }

    /// The value that stands for all that share a scale with this one, if it is quantised.
    pub(super) fn group(&self, id: ValueId) -> Option<ValueId> {
        let next = self.next[id.0]?;
        if next == id { Some(id) } else { self.group(next) }
    }

    /// The scale of each group.
    pub(super) fn scales<'o>(
        &self,
        observed: impl Fn(ValueId) -> &'o Observation,
    ) -> BTreeMap<ValueId, Scale> {
        let mut groups: BTreeMap<ValueId, Observation> = BTreeMap::new();
        for id in self.values() {
            let group = self.group(id).expect("the value is quantised");
            groups.entry(group).or_default().merge(observed(id));
        }
        groups.into_iter().map(|(group, seen)| (group, seen.scale())).collect()
    }

    fn add(&mut self, id: ValueId) {
        self.next[id.0].get_or_insert(id);
    }

    fn join(&mut self, a: ValueId, b: ValueId) {
        if let (Some(a), Some(b)) = (self.group(a), self.group(b)) {
            self.next[a.0] = Some(b);
        }
    }
}
