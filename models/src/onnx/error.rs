//! What can be wrong with an ONNX file.

use std::fmt;

use super::OLDEST_OPSET;

/// Why an ONNX file could not be turned into a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// The bytes are not an ONNX model, or not all of one.
    #[error("not a complete ONNX model ({0}); copy or export the file again")]
    Malformed(String),
    /// The bytes are something else than an ONNX model.
    #[error("it is {is}, not a binary ONNX model; {advice}")]
    OtherFormat {
        /// Their kind, for people.
        is: String,
        /// The step that helps.
        advice: &'static str,
    },
    /// The file holds what is in the standard and not supported.
    #[error("{0}")]
    Unsupported(String),
    /// Weights are in another file, which cannot be read.
    #[error("the weights of `{tensor}` are in another file, `{file}`: {problem}")]
    Weights {
        /// The tensor whose elements are in that file.
        tensor: String,
        /// The file, as the model names it.
        file: String,
        /// Why it is of no use.
        problem: String,
    },
    /// The file asks for more memory or work than any detector needs.
    #[error("{0}; the file is damaged or made to do harm")]
    TooMuch(String),
    /// The graph's inputs are not one image, and others whose values are known.
    #[error("{0}")]
    Input(String),
    /// The operator set is too old.
    #[error(
        "it is written for ONNX operator set {0}; sets from {OLDEST_OPSET} on are read \
         (`onnx.version_converter.convert_version(model, 17)` makes a newer file of it)"
    )]
    OldOpset(i64),
    /// No output depends on the image.
    #[error("none of its outputs depends on the image; export the whole model")]
    ConstantOutputs,
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

/// Operators, and nodes of each, that a message names; it counts the others.
const NAMED: usize = 3;

/// Parts of the names of operators that only quantised files have.
const QUANTISED: &[&str] = &["QLinear", "QuantizeLinear", "Integer", "QGemm", "QAttention"];

impl fmt::Display for UnsupportedOperators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = |part: &str| self.operators.iter().any(|(operator, _)| operator.contains(part));
        f.write_str("the model uses operators that are not supported: ")?;
        for (index, (operator, nodes)) in self.operators.iter().take(NAMED).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let shown = nodes.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            write!(f, "{comma}{operator} (at {shown}{})", more(nodes.len(), "nodes"))?;
        }
        write!(f, "{}; ", more(self.operators.len(), "operators"))?;
        f.write_str(if any("com.microsoft.nchwc") {
            "ONNX Runtime saved it for the processor that it ran on; use the file that it was made from, or save \
             it with graph_optimization_level ORT_ENABLE_EXTENDED instead of ORT_ENABLE_ALL"
        } else if QUANTISED.iter().any(|part| any(part)) {
            "the file is quantised; use the one with float weights"
        } else if any("Random") || any("Bernoulli") {
            "it draws random numbers, as models do while they are trained; export it for inference \
             (`model.eval()`)"
        } else if any("TRT") {
            "it is made for TensorRT; export it for plain ONNX, without a TensorRT plugin"
        } else {
            "export the model without them, or for a plain ONNX operator set"
        })
    }
}

fn more(count: usize, what: &str) -> String {
    match count.saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} more {what}"),
    }
}
