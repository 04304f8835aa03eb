//! Functions of a single byte: whatever is computed from a map of bytes element by element, up to the next
//! map of bytes, is a table of 256 entries.

use std::collections::HashMap;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Activation, Graph, Operator, ValueId};
use framegate_scalar::evaluate;

use crate::kernels::table::Table;

/// The most operators between two maps.
const DEEPEST: usize = 16;

/// A function of the bytes of a map.
#[derive(Debug, Clone)]
pub(super) struct ByteFunction {
    pub(super) source: ValueId,
    pub(super) table: Box<Table>,
}

/// Everything known about values so far.
pub(super) struct Known<'a> {
    pub(super) graph: &'a Graph,
    pub(super) producers: &'a [Option<usize>],
    /// By value, for maps of bytes: the number that a byte of 0 is.
    pub(super) lows: &'a [Option<f32>],
    pub(super) functions: &'a HashMap<ValueId, ByteFunction>,
}

/// The value of an expression for each byte of a map, or for any if it depends on none.
struct Numbers {
    source: Option<ValueId>,
    of_byte: Vec<f32>,
}

impl Known<'_> {
    /// The function that makes bytes from `low` on of `x`, which `quantize` makes numbers of.
    pub(super) fn function(
        &self,
        x: ValueId,
        quantize: Activation,
        low: f32,
    ) -> Option<ByteFunction> {
        let numbers = self.numbers(x, self.graph.value(x).shape.as_slice(), DEEPEST)?;
        let source = numbers.source?;
        let x = HostTensor::from_f32([256], numbers.of_byte);
        let bytes = evaluate(&Operator::Activation(quantize), &[&x]).swap_remove(0);
        let mut table = Box::new([0; 256]);
        table.iter_mut().zip(bytes.as_f32()?).for_each(|(byte, x)| *byte = (x - low) as u8);
        Some(ByteFunction { source, table })
    }

    fn numbers(&self, id: ValueId, shape: &[usize], deepest: usize) -> Option<Numbers> {
        let value = self.graph.value(id);
        if let Some(constant) = &value.constant {
            let [number] = constant.as_f32()? else { return None };
            return Some(Numbers { source: None, of_byte: vec![*number; 256] });
        }
        if value.shape != shape || deepest == 0 {
            return None;
        }
        if let Some(low) = self.lows[id.0] {
            let identity = || (0..=255_u8).map(|byte| low + f32::from(byte)).collect();
            return Some(match self.functions.get(&id) {
                Some(ByteFunction { source, table }) => {
                    let of_byte = table.iter().map(|byte| low + f32::from(*byte)).collect();
                    Numbers { source: Some(*source), of_byte }
                }
                None => Numbers { source: Some(id), of_byte: identity() },
            });
        }
        let node = &self.graph.nodes[self.producers[id.0]?];
        let is_elementwise = match &node.operator {
            Operator::Activation(_) | Operator::Unary(_) => true,
            Operator::Binary(function) => !function.is_predicate(),
            _ => false,
        };
        if !is_elementwise {
            return None;
        }
        let operands: Vec<Numbers> = node
            .inputs
            .iter()
            .map(|id| self.numbers(*id, shape, deepest - 1))
            .collect::<Option<_>>()?;
        let mut sources = operands.iter().filter_map(|operand| operand.source);
        let source = sources.next();
        if sources.any(|other| Some(other) != source) {
            return None;
        }
        let tensors: Vec<HostTensor> = operands
            .into_iter()
            .map(|operand| HostTensor::from_f32([256], operand.of_byte))
            .collect();
        let result = evaluate(&node.operator, &tensors.iter().collect::<Vec<_>>()).swap_remove(0);
        Some(Numbers { source, of_byte: result.as_f32()?.to_vec() })
    }
}
