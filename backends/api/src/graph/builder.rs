//! Builds a graph node by node and infers shapes on the way.

use std::sync::Arc;

use super::{Batching, Graph, Misfit, Node, Operator, Value, ValueId, shape};
use crate::{ElementType, HostTensor};

/// A node whose operands do not fit its operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("node `{node}`: {problem}")]
pub struct GraphError {
    /// Name of the node.
    pub node: String,
    /// The part that does not fit.
    pub problem: Misfit,
}

/// Builds a [`Graph`] front to back.
#[derive(Debug)]
pub struct GraphBuilder {
    values: Vec<Value>,
    nodes: Vec<Node>,
    input: ValueId,
}

impl GraphBuilder {
    /// Starts with the `f32` input, of `shape` with a leading batch axis of extent 1.
    pub fn new(input_name: &str, shape: impl Into<Vec<usize>>) -> Self {
        let input = Value {
            name: input_name.to_owned(),
            element_type: ElementType::F32,
            shape: shape.into(),
            constant: None,
        };
        Self { values: vec![input], nodes: Vec::new(), input: ValueId(0) }
    }

    /// The graph's input.
    pub fn input(&self) -> ValueId {
        self.input
    }

    /// A value added so far.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// Renames a value; outputs are reported under their names.
    pub fn rename(&mut self, id: ValueId, name: &str) {
        name.clone_into(&mut self.values[id.0].name);
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: &str, tensor: impl Into<Arc<HostTensor>>) -> ValueId {
        let tensor = tensor.into();
        self.values.push(Value {
            name: name.to_owned(),
            element_type: tensor.element_type(),
            shape: tensor.shape().to_vec(),
            constant: Some(tensor),
        });
        ValueId(self.values.len() - 1)
    }

    /// Frees the elements of a constant that nothing reads and nothing will.
    pub fn forget(&mut self, constant: ValueId) {
        self.values[constant.0].constant = None;
    }

    /// The nodes added so far.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Adds a node and returns its results, named after it.
    ///
    /// # Errors
    /// [`GraphError`] if the operands' number, types or shapes do not fit the operator.
    pub fn node(
        &mut self,
        name: &str,
        operator: Operator,
        inputs: &[ValueId],
    ) -> Result<Vec<ValueId>, GraphError> {
        let operands: Vec<&Value> = inputs.iter().map(|id| self.value(*id)).collect();
        let results = shape::infer(&operator, &operands)
            .map_err(|problem| GraphError { node: name.to_owned(), problem })?;
        let several = results.len() > 1;
        let first = self.values.len();
        for (index, (element_type, shape)) in results.into_iter().enumerate() {
            let name = if several { format!("{name}:{index}") } else { name.to_owned() };
            self.values.push(Value { name, element_type, shape, constant: None });
        }
        let outputs: Vec<ValueId> = (first..self.values.len()).map(ValueId).collect();
        self.nodes.push(Node {
            name: name.to_owned(),
            operator,
            inputs: inputs.to_vec(),
            outputs: outputs.clone(),
        });
        Ok(outputs)
    }

    /// Shape of an operator's first result, without adding a node.
    ///
    /// # Errors
    /// [`Misfit`] if the operands do not fit.
    pub fn result_shape(
        &self,
        operator: &Operator,
        inputs: &[ValueId],
    ) -> Result<Vec<usize>, Misfit> {
        let operands: Vec<&Value> = inputs.iter().map(|id| self.value(*id)).collect();
        shape::infer(operator, &operands).map(|mut results| results.swap_remove(0).1)
    }

    /// Adds a node with a single result.
    ///
    /// # Errors
    /// Like [`GraphBuilder::node`].
    pub fn push(
        &mut self,
        name: &str,
        operator: Operator,
        inputs: &[ValueId],
    ) -> Result<ValueId, GraphError> {
        self.node(name, operator, inputs).map(|results| results[0])
    }

    /// Completes the graph and works out its [`Batching`].
    pub fn finish(self, outputs: Vec<ValueId>) -> Graph {
        let mut graph = Graph {
            values: self.values,
            nodes: self.nodes,
            input: self.input,
            outputs,
            batching: Batching::OneByOne,
        };
        graph.batching = Batching::of(&graph);
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Convolution, Misfit, Padding};

    /// Numbers of a file that is made to do harm: products of them must not overflow.
    #[test]
    fn extents_beyond_all_numbers_are_errors() {
        let mut builder = GraphBuilder::new("x", [1, 3, 4, 4]);
        let weights = HostTensor::from_f32([2, 3, 2, 2], vec![0.0; 24]);
        let weights = builder.constant("w", weights);
        let convolution = Convolution {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: usize::MAX,
            activation: None,
        };
        let operands = [builder.input(), weights];
        let shape = |operator| builder.result_shape(&operator, &operands);
        let groups = shape(Operator::Convolution(convolution.clone())).unwrap_err();
        assert!(matches!(groups, Misfit::Filters { .. }), "{groups}");
        let far = Convolution { groups: 1, dilation: [usize::MAX; 2], ..convolution };
        let far = shape(Operator::Convolution(far)).unwrap_err();
        assert!(matches!(far, Misfit::Window { .. }), "{far}");
        let tile = Operator::Tile { repeats: vec![usize::MAX; 4] };
        let large = builder.result_shape(&tile, &operands[..1]).unwrap_err();
        assert!(matches!(large, Misfit::TooLarge(_)), "{large}");
    }
}
