//! The key `second` of a sidecar.

use serde::{Deserialize, Deserializer, de};

use crate::beside::stays_inside;

/// The key `second` as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecondName {
    Codes,
    /// A path from the sidecar's folder, which it does not leave.
    Model(String),
}

impl<'de> Deserialize<'de> for SecondName {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let name = String::deserialize(input)?;
        match name.as_str() {
            "codes" => Ok(Self::Codes),
            file if file.ends_with(".onnx") && stays_inside(file) => Ok(Self::Model(name)),
            _ => Err(de::Error::custom(
                "`second` must be `codes`, or the name of an .onnx file in the sidecar's own folder",
            )),
        }
    }
}
