//! The numbers that convolutions multiply.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The numbers that convolutions multiply. Everything else is `f32`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 24 significant bits.
    #[default]
    F32,
    /// 8 significant bits, two products per instruction: weights and inputs of convolutions over all channels are
    /// rounded, sums are `f32`.
    Bf16,
    /// Whole numbers of 8 bits, with scales found by calibration: weights and feature maps are rounded, sums are exact.
    /// Convolutions that lose too much stay `f32`.
    Int8,
}

/// A name that is not a [`Precision`]'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected f32, bf16 or int8")]
pub struct UnknownPrecision;

impl Precision {
    /// Every name that [`Precision::from_str`] reads.
    pub const NAMES: [&'static str; 3] = ["f32", "bf16", "int8"];

    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(name: &str) -> Result<Self, UnknownPrecision> {
        match name {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "int8" => Ok(Self::Int8),
            _ => Err(UnknownPrecision),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for name in Precision::NAMES {
            assert_eq!(name.parse::<Precision>().map(Precision::name), Ok(name));
        }
        assert_eq!("f16".parse::<Precision>(), Err(UnknownPrecision));
    }
}
