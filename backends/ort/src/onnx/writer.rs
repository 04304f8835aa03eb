//! Collects the names, nodes and constants of the ONNX model.

use framegate_backend_api::graph::{Graph, ValueId};
use framegate_backend_api::{ElementType, HostTensor, TensorData};
use framegate_onnx_proto::{
    AttributeProto, DimensionProto, GraphProto, Message, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

use super::attribute;

/// Version of the operator set: the first that defines every operator used here.
const OPSET: i64 = 20;
/// Version of the file format that was released with it.
const FORMAT: i64 = 9;

/// Element types as numbered by ONNX's `TensorProto.DataType`.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
const BOOL: i32 = 9;

/// Writes a graph node by node.
pub(super) struct Writer<'a> {
    graph: &'a Graph,
    open_batch: bool,
    file: GraphProto,
    /// Number of values that are in the file but not in the graph.
    helpers: usize,
}

impl<'a> Writer<'a> {
    /// A file that contains only the graph's constants.
    pub(super) fn new(graph: &'a Graph, open_batch: bool) -> Self {
        let file = GraphProto { name: "framegate".to_owned(), ..Default::default() };
        let mut writer = Self { graph, open_batch, file, helpers: 0 };
        writer.file.input.push(writer.declare(graph.input, name(graph.input), FLOAT));
        for (index, (value, uses)) in graph.values.iter().zip(graph.use_counts()).enumerate() {
            if let (Some(constant), 1..) = (&value.constant, uses) {
                writer.initialise(name(ValueId(index)), constant);
            }
        }
        writer
    }

    pub(super) fn graph(&self) -> &'a Graph {
        self.graph
    }

    /// Whether the first axis of values is symbolic, so that shapes must not fix it.
    pub(super) fn open_batch(&self) -> bool {
        self.open_batch
    }

    /// Adds a node.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[String],
        outputs: &[String],
        attributes: Vec<AttributeProto>,
    ) {
        self.file.node.push(NodeProto {
            op_type: operator.to_owned(),
            name: format!("{operator}-{}", self.file.node.len()),
            input: inputs.to_vec(),
            output: outputs.to_vec(),
            attribute: attributes,
            ..Default::default()
        });
    }

    /// Adds a node whose only result is not a value of the graph, and returns the name of that result.
    pub(super) fn helper(&mut self, operator: &str, inputs: &[String]) -> String {
        let result = self.helper_name();
        self.node(operator, inputs, std::slice::from_ref(&result), Vec::new());
        result
    }

    /// Adds a one-dimensional constant of integers.
    pub(super) fn integers(&mut self, elements: Vec<i64>) -> String {
        self.constant(HostTensor::from_i64([elements.len()], elements))
    }

    /// Adds a scalar constant.
    pub(super) fn number(&mut self, element: f32) -> String {
        self.constant(HostTensor::from_f32([], vec![element]))
    }

    /// Adds a constant.
    pub(super) fn constant(&mut self, tensor: HostTensor) -> String {
        let name = self.helper_name();
        self.initialise(name.clone(), &tensor);
        name
    }

    /// The file's bytes. Outputs that are not `f32` are cast here.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for (position, id) in self.graph.outputs.iter().enumerate() {
            let output = format!("output{position}");
            let result = std::slice::from_ref(&output);
            match self.graph.value(*id).element_type {
                ElementType::F32 => self.node("Identity", &[name(*id)], result, Vec::new()),
                ElementType::I64 | ElementType::Bool => {
                    let to = attribute::integer("to", FLOAT as usize);
                    self.node("Cast", &[name(*id)], result, vec![to]);
                }
            }
            let declared = self.declare(*id, output, FLOAT);
            self.file.output.push(declared);
        }
        let model = ModelProto {
            ir_version: FORMAT,
            opset_import: vec![OperatorSetIdProto { version: OPSET, ..Default::default() }],
            graph: Some(self.file),
            ..Default::default()
        };
        model.encode_to_vec()
    }

    /// A name for a value that is not in the graph.
    pub(super) fn helper_name(&mut self) -> String {
        self.helpers += 1;
        format!("helper{}", self.helpers)
    }

    fn declare(&self, id: ValueId, name: String, element_type: i32) -> ValueInfoProto {
        let dimension = |(axis, extent): (usize, &usize)| match (axis, self.open_batch) {
            (0, true) => DimensionProto { dim_param: Some("batch".to_owned()), dim_value: None },
            _ => DimensionProto::fixed(*extent as i64),
        };
        let dim = self.graph.value(id).shape.iter().enumerate().map(dimension).collect();
        let shape = Some(TensorShapeProto { dim });
        let tensor_type = Some(TensorTypeProto { elem_type: element_type, shape });
        ValueInfoProto { name, r#type: Some(TypeProto { tensor_type }) }
    }

    fn initialise(&mut self, name: String, constant: &HostTensor) {
        let raw_data = match constant.data() {
            TensorData::F32(elements) => elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
            TensorData::I64(elements) => elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
            TensorData::Bool(elements) => elements.iter().map(|x| u8::from(*x)).collect(),
        };
        self.file.initializer.push(TensorProto {
            name,
            dims: constant.shape().iter().map(|extent| *extent as i64).collect(),
            data_type: data_type(constant.element_type()) as i32,
            raw_data,
            ..Default::default()
        });
    }
}

/// Name in the file of a value of the graph.
pub(super) fn name(id: ValueId) -> String {
    format!("value{}", id.0)
}

/// ONNX's number for an element type.
pub(super) fn data_type(element_type: ElementType) -> usize {
    let number = match element_type {
        ElementType::F32 => FLOAT,
        ElementType::I64 => INT64,
        ElementType::Bool => BOOL,
    };
    number as usize
}
