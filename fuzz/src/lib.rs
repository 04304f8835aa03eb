//! Model files for the targets that need one, in a folder of this process.

pub mod graft;

use std::path::{Path, PathBuf};

use framegate_models::Detector;
use framegate_models::detector::LoadOptions;
use framegate_onnx_proto::{
    AttributeProto, AttributeType, DimensionProto, GraphProto, Message, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};

/// `TensorProto.DataType.FLOAT` of the ONNX standard.
const FLOAT: i32 = 1;

/// A model whose outputs have these names and shapes: each element is the mean of the image.
#[derive(Debug)]
pub struct FixedOutputs<'a> {
    /// Width and height of the input; `None` leaves them open.
    pub side: Option<usize>,
    pub outputs: &'a [(String, Vec<usize>)],
    pub metadata: &'a [(&'a str, &'a str)],
}

impl FixedOutputs<'_> {
    /// The bytes of its ONNX file.
    pub fn encode(&self) -> Vec<u8> {
        let side = self
            .side
            .map_or_else(DimensionProto::default, |side| DimensionProto::fixed(side as i64));
        let image = vec![DimensionProto::fixed(1), DimensionProto::fixed(3), side.clone(), side];
        let constant = |name: &str| format!("{name}_constant");
        let graph = GraphProto {
            node: [mean_of_images()]
                .into_iter()
                .chain(self.outputs.iter().map(|(name, _)| add_mean(&constant(name), name)))
                .collect(),
            name: "fixed".to_owned(),
            initializer: (self.outputs.iter())
                .map(|(name, shape)| zeros(&constant(name), shape))
                .collect(),
            input: vec![value("images", image)],
            output: self.outputs.iter().map(|(name, _)| value(name, vec![])).collect(),
            ..GraphProto::default()
        };
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        let model = ModelProto {
            ir_version: 8,
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
            metadata_props: self.metadata.iter().map(entry).collect(),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }
}

/// The node that makes `mean`, one number, of the input `images`.
fn mean_of_images() -> NodeProto {
    // Without axes a mean is taken over all of them.
    let keepdims = AttributeProto {
        name: "keepdims".to_owned(),
        i: Some(0),
        r#type: AttributeType::Int.into(),
        ..AttributeProto::default()
    };
    NodeProto {
        input: vec!["images".to_owned()],
        output: vec!["mean".to_owned()],
        op_type: "ReduceMean".to_owned(),
        attribute: vec![keepdims],
        ..NodeProto::default()
    }
}

/// The node that makes a value with the constant's shape, but not constant itself.
fn add_mean(constant: &str, output: &str) -> NodeProto {
    NodeProto {
        input: vec!["mean".to_owned(), constant.to_owned()],
        output: vec![output.to_owned()],
        op_type: "Add".to_owned(),
        ..NodeProto::default()
    }
}

fn zeros(name: &str, shape: &[usize]) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|extent| *extent as i64).collect(),
        data_type: FLOAT,
        float_data: vec![0.0; shape.iter().product()],
        name: name.to_owned(),
        ..TensorProto::default()
    }
}

fn value(name: &str, dim: Vec<DimensionProto>) -> ValueInfoProto {
    let shape = Some(TensorShapeProto { dim });
    let tensor_type = Some(TensorTypeProto { elem_type: FLOAT, shape });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}

/// A folder for `model.onnx` and what lies beside it.
#[derive(Debug)]
pub struct ModelFolder(PathBuf);

impl ModelFolder {
    /// An empty folder of this process.
    pub fn new(name: &str) -> Self {
        let name = format!("framegate-fuzz-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written to");
        Self(folder)
    }

    pub fn write(&self, file: &str, contents: &[u8]) {
        std::fs::write(self.0.join(file), contents)
            .expect("the temporary folder can be written to");
    }

    /// Loads the model with its sidecar.
    pub fn load(&self) -> Result<Detector, String> {
        let options = LoadOptions { labels: None, input_size: None };
        let model: &Path = &self.0.join("model.onnx");
        Detector::load(model, &options).map_err(|error| error.to_string())
    }
}
