//! ONNX files made on the spot.

use framegate_onnx_proto::{
    AttributeProto, AttributeType, DimensionProto, GraphProto, Message, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};

/// An ONNX model under construction.
pub(crate) struct OnnxModel(ModelProto);

/// A node under construction.
pub(crate) struct OnnxNode(pub(crate) NodeProto);

/// Number of `FLOAT` and `INT64` in ONNX's `TensorProto.DataType`.
pub(crate) const FLOAT: i32 = 1;
pub(crate) const INT64: i32 = 7;

/// An input or output; a negative extent is left open.
pub(crate) fn declaration(name: &str, elem_type: i32, dims: &[i64]) -> ValueInfoProto {
    let dim = |extent: &i64| match *extent {
        1.. => DimensionProto::fixed(*extent),
        _ => DimensionProto { dim_param: Some("open".to_owned()), dim_value: None },
    };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type, shape });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}

impl OnnxModel {
    /// An empty model with one float input; a negative extent is left open.
    pub(crate) fn new(opset: i64, input: &str, dims: &[i64]) -> Self {
        let model = ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto { version: opset, ..Default::default() }],
            ..Default::default()
        };
        Self(model).input(input, FLOAT, dims)
    }

    /// Adds a node.
    pub(crate) fn node(mut self, node: OnnxNode) -> Self {
        self.graph().node.push(node.0);
        self
    }

    /// Adds float weights.
    pub(crate) fn weights(self, name: &str, dims: &[i64], elements: Vec<f32>) -> Self {
        self.initialiser(name, dims, FLOAT, |tensor| tensor.float_data = elements)
    }

    /// Adds an integer constant.
    pub(crate) fn integers(self, name: &str, elements: &[i64]) -> Self {
        let dims = [elements.len() as i64];
        self.initialiser(name, &dims, INT64, |tensor| tensor.int64_data = elements.to_vec())
    }

    fn initialiser(
        mut self,
        name: &str,
        dims: &[i64],
        data_type: i32,
        fill: impl FnOnce(&mut TensorProto),
    ) -> Self {
        let (name, dims) = (name.to_owned(), dims.to_vec());
        let mut tensor = TensorProto { name, dims, data_type, ..Default::default() };
        fill(&mut tensor);
        self.graph().initializer.push(tensor);
        self
    }

    /// Declares an output.
    pub(crate) fn output(mut self, name: &str) -> Self {
        self.graph().output.push(ValueInfoProto { name: name.to_owned(), r#type: None });
        self
    }

    /// Adds an entry of metadata.
    pub(crate) fn metadata(mut self, key: &str, value: &str) -> Self {
        let entry = StringStringEntryProto { key: key.to_owned(), value: value.to_owned() };
        self.0.metadata_props.push(entry);
        self
    }

    /// Changes what the other methods cannot.
    pub(crate) fn edit(mut self, change: impl FnOnce(&mut ModelProto)) -> Self {
        change(&mut self.0);
        self
    }

    /// Declares a further input, of an element type of the standard.
    pub(crate) fn input(mut self, name: &str, elem_type: i32, dims: &[i64]) -> Self {
        self.graph().input.push(declaration(name, elem_type, dims));
        self
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    fn graph(&mut self) -> &mut GraphProto {
        self.0.graph.get_or_insert_default()
    }
}

impl OnnxNode {
    /// A node named after its first result.
    pub(crate) fn new(operator: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self(NodeProto {
            op_type: operator.to_owned(),
            name: format!("make_{}", outputs[0]),
            input: owned(inputs),
            output: owned(outputs),
            ..Default::default()
        })
    }

    /// Adds an attribute of integers.
    pub(crate) fn integers(mut self, name: &str, integers: &[i64]) -> Self {
        self.0.attribute.push(AttributeProto {
            name: name.to_owned(),
            r#type: AttributeType::Ints.into(),
            ints: integers.to_vec(),
            ..Default::default()
        });
        self
    }

    /// Adds an attribute of one integer.
    pub(crate) fn integer(mut self, name: &str, integer: i64) -> Self {
        self.0.attribute.push(AttributeProto {
            name: name.to_owned(),
            r#type: AttributeType::Int.into(),
            i: Some(integer),
            ..Default::default()
        });
        self
    }
}
