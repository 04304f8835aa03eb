//! Replaces nodes that call a function of the file by the nodes of that function.

use std::collections::HashMap;

use framegate_onnx_proto::{AttributeProto, FunctionProto, GraphProto, Message, NodeProto};

use super::FileNode;
use crate::onnx::error::OnnxError;
use crate::onnx::opset_of;

/// Functions may call functions to this depth; calls in a circle never end.
const MAX_DEPTH: usize = 32;
/// Nodes, and bytes of nodes, that calls may become: a function that calls another twice, which calls
/// another twice, is an attack.
const MAX_NODES: usize = 500_000;
const MAX_BYTES: usize = 256 << 20;
/// Longest name of a node that is made of two.
const MAX_NAME: usize = 200;

/// All nodes of a file, with the nodes of its functions in place of calls.
pub(super) fn inline(
    nodes: Vec<NodeProto>,
    functions: &[FunctionProto],
    opset: i64,
) -> Result<Vec<FileNode>, OnnxError> {
    if functions.is_empty() {
        return Ok(nodes.into_iter().map(|proto| FileNode { proto, opset }).collect());
    }
    let functions = functions
        .iter()
        .map(|function| {
            let key = (&*function.domain, &*function.name, &*function.overload);
            (key, function)
        })
        .collect();
    let mut inliner = Inliner { functions, calls: 0, nodes: 0, bytes: 0 };
    let mut inlined = Vec::new();
    for node in nodes {
        inliner.expand(node, opset, 0, &mut inlined)?;
    }
    Ok(inlined)
}

struct Inliner<'a> {
    /// By domain, name and overload.
    functions: HashMap<(&'a str, &'a str, &'a str), &'a FunctionProto>,
    /// Calls so far: each gives the names of its function's values a prefix of its own.
    calls: usize,
    nodes: usize,
    bytes: usize,
}

impl Inliner<'_> {
    fn expand(
        &mut self,
        mut node: NodeProto,
        opset: i64,
        depth: usize,
        inlined: &mut Vec<FileNode>,
    ) -> Result<(), OnnxError> {
        let key = (&*node.domain, &*node.op_type, &*node.overload);
        let Some(function) = self.functions.get(&key).copied() else {
            for attribute in &mut node.attribute {
                for graph in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
                    self.expand_graph(graph, opset, depth)?;
                }
            }
            inlined.push(FileNode { proto: node, opset });
            return Ok(());
        };
        let too_much = |what: &str| {
            let function = &node.op_type;
            Err(OnnxError::TooMuch(format!("function `{function}` of the file {what}")))
        };
        if depth == MAX_DEPTH {
            return too_much("calls itself, or others too deeply");
        }
        self.calls += 1;
        let call = Call::new(&node, function, self.calls);
        let opset = opset_of(&function.opset_import).unwrap_or(opset);
        for inner in &function.node {
            self.nodes += 1;
            self.bytes += inner.encoded_len();
            if self.nodes > MAX_NODES || self.bytes > MAX_BYTES {
                return too_much("becomes too many nodes");
            }
            let mut inner = inner.clone();
            call.rename(&mut inner);
            self.expand(inner, opset, depth + 1, inlined)?;
        }
        Ok(())
    }

    /// Expands calls in a subgraph, whose nodes have one operator set. A function of another set stays a
    /// call, and is reported as an operator that is not supported.
    fn expand_graph(
        &mut self,
        graph: &mut GraphProto,
        opset: i64,
        depth: usize,
    ) -> Result<(), OnnxError> {
        for node in std::mem::take(&mut graph.node) {
            let mut inlined = Vec::new();
            self.expand(node.clone(), opset, depth, &mut inlined)?;
            if inlined.iter().all(|inner| inner.opset == opset) {
                graph.node.extend(inlined.into_iter().map(|inner| inner.proto));
            } else {
                graph.node.push(node);
            }
        }
        Ok(())
    }
}

/// The meaning of a function's names and attributes in one call.
struct Call<'a> {
    node: &'a NodeProto,
    function: &'a FunctionProto,
    /// The caller's names for the function's operands and results.
    names: HashMap<&'a str, &'a str>,
    number: usize,
}

impl<'a> Call<'a> {
    fn new(node: &'a NodeProto, function: &'a FunctionProto, number: usize) -> Self {
        let mut names = HashMap::new();
        for (index, name) in function.output.iter().enumerate() {
            if let Some(given) = node.output.get(index).filter(|given| !given.is_empty()) {
                names.insert(&**name, &**given);
            }
        }
        // An operand that is left out has no name in the function either.
        for (index, name) in function.input.iter().enumerate() {
            names.insert(name, node.input.get(index).map_or("", String::as_str));
        }
        Self { node, function, names, number }
    }

    fn rename(&self, inner: &mut NodeProto) {
        let len = self.node.name.len() + inner.name.len();
        if !self.node.name.is_empty() && !inner.name.is_empty() && len < MAX_NAME {
            inner.name = format!("{}/{}", self.node.name, inner.name);
        }
        inner.input.iter_mut().chain(&mut inner.output).for_each(|name| self.rename_value(name));
        let attributes = std::mem::take(&mut inner.attribute);
        inner.attribute = attributes.into_iter().filter_map(|it| self.attribute(it)).collect();
    }

    fn rename_value(&self, name: &mut String) {
        if name.is_empty() {
            return;
        }
        *name = match self.names.get(name.as_str()) {
            Some(given) => (*given).to_owned(),
            None => format!("{}.{name}", self.number),
        };
    }

    /// An attribute with its value in this call; `None` if the call gives none and there is no default.
    fn attribute(&self, mut attribute: AttributeProto) -> Option<AttributeProto> {
        if !attribute.ref_attr_name.is_empty() {
            let is_meant = |it: &&AttributeProto| it.name == attribute.ref_attr_name;
            let given = self.node.attribute.iter().find(is_meant);
            let value = given.or_else(|| self.function.attribute_proto.iter().find(is_meant))?;
            return Some(AttributeProto { name: attribute.name, ..value.clone() });
        }
        for graph in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
            graph.node.iter_mut().for_each(|node| self.rename(node));
            let declared = graph.input.iter_mut().chain(&mut graph.output);
            declared.for_each(|value| self.rename_value(&mut value.name));
            graph.initializer.iter_mut().for_each(|tensor| self.rename_value(&mut tensor.name));
        }
        Some(attribute)
    }
}
