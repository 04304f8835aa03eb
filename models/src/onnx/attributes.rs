//! Typed access to a node's attributes.

use framegate_backend_api::HostTensor;
use framegate_onnx_proto::{AttributeProto, AttributeType, NodeProto, TensorProto};

use super::tensor::{DataType, host_tensor};

type Problem = String;

/// The attributes of one node.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>(&'a NodeProto);

impl<'a> Attributes<'a> {
    pub(super) fn of(node: &'a NodeProto) -> Self {
        Self(node)
    }

    fn find(
        self,
        name: &str,
        expected: AttributeType,
    ) -> Result<Option<&'a AttributeProto>, Problem> {
        match self.0.attribute.iter().find(|attribute| attribute.name == name) {
            Some(attribute) if attribute.r#type() == expected => Ok(Some(attribute)),
            Some(_) => Err(format!("attribute `{name}` is not of type {expected:?}")),
            None => Ok(None),
        }
    }

    pub(super) fn integer(self, name: &str) -> Result<Option<i64>, Problem> {
        Ok(self.find(name, AttributeType::Int)?.map(|attribute| attribute.i()))
    }

    pub(super) fn integer_or(self, name: &str, default: i64) -> Result<i64, Problem> {
        Ok(self.integer(name)?.unwrap_or(default))
    }

    pub(super) fn flag(self, name: &str, default: bool) -> Result<bool, Problem> {
        Ok(self.integer_or(name, i64::from(default))? != 0)
    }

    pub(super) fn integers(self, name: &str) -> Result<Option<Vec<i64>>, Problem> {
        Ok(self.find(name, AttributeType::Ints)?.map(|attribute| attribute.ints.clone()))
    }

    pub(super) fn float_or(self, name: &str, default: f32) -> Result<f32, Problem> {
        Ok(self.find(name, AttributeType::Float)?.map_or(default, |attribute| attribute.f()))
    }

    pub(super) fn float(self, name: &str) -> Result<Option<f32>, Problem> {
        Ok(self.find(name, AttributeType::Float)?.map(|attribute| attribute.f()))
    }

    pub(super) fn floats(self, name: &str) -> Result<Option<Vec<f32>>, Problem> {
        Ok(self.find(name, AttributeType::Floats)?.map(|attribute| attribute.floats.clone()))
    }

    pub(super) fn text_or(self, name: &str, default: &str) -> Result<String, Problem> {
        Ok(self.find(name, AttributeType::String)?.map_or_else(
            || default.to_owned(),
            |attribute| String::from_utf8_lossy(attribute.s()).into_owned(),
        ))
    }

    pub(super) fn texts(self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let found = self.find(name, AttributeType::Strings)?;
        Ok(found.map(|attribute| attribute.strings.iter().map(text).collect()))
    }

    pub(super) fn tensor(self, name: &str) -> Result<Option<HostTensor>, Problem> {
        self.find(name, AttributeType::Tensor)?
            .map(|attribute| host_tensor(attribute.t.as_ref().unwrap_or(&TensorProto::default())))
            .transpose()
    }

    /// The type of a tensor's elements in the file.
    pub(super) fn tensor_type(self, name: &str) -> Option<DataType> {
        let attribute = self.find(name, AttributeType::Tensor).ok()??;
        DataType::from_number(i64::from(attribute.t.as_ref()?.data_type)).ok()
    }

    /// Whether the attribute is there, whatever its type.
    pub(super) fn has(self, name: &str) -> bool {
        self.0.attribute.iter().any(|attribute| attribute.name == name)
    }
}
