//! ONNX files made on the spot.

use onnx_ir::{
    AttributeProto, AttributeType, Message, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};

/// An ONNX model under construction.
pub(crate) struct OnnxModel(ModelProto);

/// A node under construction.
pub(crate) struct OnnxNode(NodeProto);

/// Number of `FLOAT` and `INT64` in ONNX's `TensorProto.DataType`.
const FLOAT: i32 = 1;
const INT64: i32 = 7;

impl OnnxModel {
    /// An empty model with one float input; a negative extent is left open.
    pub(crate) fn new(opset: i64, input: &str, dims: &[i64]) -> Self {
        let mut model = ModelProto::new();
        model.ir_version = 8;
        model.opset_import.push(Default::default());
        model.opset_import[0].version = opset;
        let mut value = ValueInfoProto::new();
        value.name = input.to_owned();
        let tensor = value.type_.mut_or_insert_default().mut_tensor_type();
        tensor.elem_type = FLOAT;
        for extent in dims {
            let shape = tensor.shape.mut_or_insert_default();
            shape.dim.push(Default::default());
            let dim = shape.dim.last_mut().expect("one was pushed");
            match *extent {
                1.. => dim.set_dim_value(*extent),
                _ => dim.set_dim_param("open".to_owned()),
            }
        }
        model.graph.mut_or_insert_default().input.push(value);
        Self(model)
    }

    /// Adds a node.
    pub(crate) fn node(mut self, node: OnnxNode) -> Self {
        self.0.graph.mut_or_insert_default().node.push(node.0);
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
        let mut tensor = TensorProto::new();
        tensor.name = name.to_owned();
        tensor.dims = dims.to_vec();
        tensor.data_type = data_type;
        fill(&mut tensor);
        self.0.graph.mut_or_insert_default().initializer.push(tensor);
        self
    }

    /// Declares an output.
    pub(crate) fn output(mut self, name: &str) -> Self {
        let mut value = ValueInfoProto::new();
        value.name = name.to_owned();
        self.0.graph.mut_or_insert_default().output.push(value);
        self
    }

    /// Adds an entry of metadata.
    pub(crate) fn metadata(mut self, key: &str, value: &str) -> Self {
        self.0.metadata_props.push(Default::default());
        let entry = self.0.metadata_props.last_mut().expect("one was pushed");
        key.clone_into(&mut entry.key);
        value.clone_into(&mut entry.value);
        self
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.write_to_bytes().expect("the model can be written")
    }
}

impl OnnxNode {
    /// A node named after its first result.
    pub(crate) fn new(operator: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut node = NodeProto::new();
        node.op_type = operator.to_owned();
        node.name = format!("make_{}", outputs[0]);
        node.input = owned(inputs);
        node.output = owned(outputs);
        Self(node)
    }

    /// Adds an attribute of integers.
    pub(crate) fn integers(mut self, name: &str, integers: &[i64]) -> Self {
        let mut attribute = AttributeProto::new();
        attribute.name = name.to_owned();
        attribute.type_ = AttributeType::INTS.into();
        attribute.ints = integers.to_vec();
        self.0.attribute.push(attribute);
        self
    }

    /// Adds an attribute of one integer.
    pub(crate) fn integer(mut self, name: &str, integer: i64) -> Self {
        let mut attribute = AttributeProto::new();
        attribute.name = name.to_owned();
        attribute.type_ = AttributeType::INT.into();
        attribute.i = integer;
        self.0.attribute.push(attribute);
        self
    }
}
