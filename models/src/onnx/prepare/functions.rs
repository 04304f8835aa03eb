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
const MAX_BYTES: usize = 64 << 20;
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
    let mut inliner = Inliner { functions, calls: 0, nodes: 0, bytes: Bytes(0) };
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
    bytes: Bytes,
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
            if self.nodes > MAX_NODES || self.bytes.take(inner.encoded_len()).is_err() {
                return too_much("becomes too many nodes");
            }
            let mut inner = inner.clone();
            if call.rename(&mut inner, &mut self.bytes).is_err() {
                return too_much("repeats what its calls give it too often");
            }
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

    /// Gives a node of the function its names and attributes in this call. Each node that uses what the call gives has
    /// a copy of its own, however large.
    fn rename(&self, inner: &mut NodeProto, bytes: &mut Bytes) -> Result<(), Exhausted> {
        let len = self.node.name.len() + inner.name.len();
        if !self.node.name.is_empty() && !inner.name.is_empty() && len < MAX_NAME {
            inner.name = format!("{}/{}", self.node.name, inner.name);
        }
        for name in inner.input.iter_mut().chain(&mut inner.output) {
            self.rename_value(name, bytes)?;
        }
        for attribute in std::mem::take(&mut inner.attribute) {
            inner.attribute.extend(self.attribute(attribute, bytes)?);
        }
        Ok(())
    }

    fn rename_value(&self, name: &mut String, bytes: &mut Bytes) -> Result<(), Exhausted> {
        if name.is_empty() {
            return Ok(());
        }
        *name = match self.names.get(name.as_str()) {
            Some(given) => {
                bytes.take(given.len())?;
                (*given).to_owned()
            }
            None => format!("{}.{name}", self.number),
        };
        Ok(())
    }

    /// An attribute with its value in this call; `None` if the call gives none and there is no default.
    fn attribute(
        &self,
        mut attribute: AttributeProto,
        bytes: &mut Bytes,
    ) -> Result<Option<AttributeProto>, Exhausted> {
        if !attribute.ref_attr_name.is_empty() {
            let is_meant = |it: &&AttributeProto| it.name == attribute.ref_attr_name;
            let given = self.node.attribute.iter().find(is_meant);
            let value = given.or_else(|| self.function.attribute_proto.iter().find(is_meant));
            let Some(value) = value else { return Ok(None) };
            bytes.take(value.encoded_len())?;
            return Ok(Some(AttributeProto { name: attribute.name, ..value.clone() }));
        }
        for graph in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
            for node in &mut graph.node {
                self.rename(node, bytes)?;
            }
            let declared = graph.input.iter_mut().chain(&mut graph.output);
            let declared = declared.map(|value| &mut value.name);
            for name in declared.chain(graph.initializer.iter_mut().map(|it| &mut it.name)) {
                self.rename_value(name, bytes)?;
            }
        }
        Ok(Some(attribute))
    }
}

/// Bytes of the file's messages that calls have become, encoded: lists of small numbers and of short names take up to
/// twelve times as much in memory.
struct Bytes(usize);

/// There are more than [`MAX_BYTES`].
struct Exhausted;

impl Bytes {
    fn take(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.0 += bytes;
        if self.0 > MAX_BYTES { Err(Exhausted) } else { Ok(()) }
    }
}
