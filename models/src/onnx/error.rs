//! What can be wrong with an ONNX file.

use std::fmt;

/// Why an ONNX file could not be turned into a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// The bytes are not an ONNX model, or not all of one.
    #[error("not a complete ONNX model ({0}); copy or export the file again")]
    Malformed(String),
    /// The graph's inputs are not one image.
    #[error("{0}")]
    Input(String),
    /// Operators that are not supported, all of the file at once.
    #[error("{0}")]
    UnsupportedOperators(UnsupportedOperators),
    /// A node uses a supported operator in a way that is not supported or makes no sense.
    #[error("node `{node}` ({operator}): {problem}")]
    Node {
        /// Name of the node.
        node: String,
        /// ONNX operator.
        operator: String,
        /// What is wrong, and what would help.
        problem: String,
    },
}

/// Unsupported operators of a file with the nodes that use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedOperators {
    /// Operator names with their nodes' names, in the order of the file.
    pub operators: Vec<(String, Vec<String>)>,
}

impl fmt::Display for UnsupportedOperators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the model uses operators that are not supported:")?;
        for (operator, nodes) in &self.operators {
            write!(f, " {operator} (at {});", nodes.join(", "))?;
        }
        if self.operators.iter().any(|(operator, _)| operator == "NonMaxSuppression") {
            f.write_str(
                " export it without non-maximum suppression, which Framegate does itself;",
            )?;
        }
        f.write_str(" export the model without them, or for a plain ONNX operator set")
    }
}
