//! Which vector instructions kernels use.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Precision;
#[cfg(target_arch = "x86_64")]
use crate::{Amx, Avx2, Avx512};

/// The instruction set that kernels are compiled for. A level exists only where the processor has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Plain Rust, on any processor; the compiler vectorises it for the baseline.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 F and BW.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// AVX-512, and AMX for products of bf16. Only with the feature `amx`.
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
}

/// Why a name cannot be read as a [`Level`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LevelError {
    /// No level has this name.
    #[error("expected portable, avx2, avx512 or amx")]
    Unknown,
    /// The name is known, the instructions are missing.
    #[error("this processor does not have {0}; leave it out to use the fastest level it has")]
    NotDetected(&'static str),
    /// The code for AMX was left out.
    #[error("this build has no code for AMX; build with the feature `amx`")]
    NotCompiledIn,
}

impl Level {
    /// Every name that [`Level::from_str`] knows, on any processor.
    pub const NAMES: [&'static str; 4] = ["portable", "avx2", "avx512", "amx"];

    /// Every level that this processor has, the fastest last; never empty.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(Avx2::detect().map(Self::Avx2));
            levels.extend(Avx512::detect().map(Self::Avx512));
            levels.extend(Amx::detect().map(Self::Amx));
        }
        levels
    }

    /// The fastest level that this processor has for a precision or, if only portable code has that precision, for
    /// `f32`.
    pub fn best(precision: Precision) -> Self {
        let serves = |level: &Self| level.has(precision) || level.has(Precision::F32);
        Self::available().into_iter().rfind(serves).unwrap_or(Self::Portable)
    }

    /// Whether this processor can multiply numbers of this precision at this level: bf16 needs AVX-512 BF16 or
    /// AMX, and portable code has it for comparison. AMX has nothing else.
    pub fn has(self, precision: Precision) -> bool {
        match (precision, self) {
            #[cfg(target_arch = "x86_64")]
            (precision, Self::Amx(_)) => precision == Precision::Bf16,
            (Precision::F32 | Precision::Int8, _) | (Precision::Bf16, Self::Portable) => true,
            #[cfg(target_arch = "x86_64")]
            (Precision::Bf16, Self::Avx2(_)) => false,
            #[cfg(target_arch = "x86_64")]
            (Precision::Bf16, Self::Avx512(proof)) => proof.has_bf16(),
        }
    }

    /// Whether one instruction multiplies four unsigned bytes with four signed ones and adds the products without
    /// saturation (VNNI). Portable code has the same for comparison.
    pub fn multiplies_bytes(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.has_vnni(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.has_vnni(),
            #[cfg(target_arch = "x86_64")]
            Self::Amx(proof) => Avx512::from(proof).has_vnni(),
        }
    }

    /// Number of `f32` values in a vector. Portable code is written for vectors of 8.
    pub fn lanes(self) -> usize {
        match self {
            Self::Portable => 8,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 8,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) | Self::Amx(_) => 16,
        }
    }

    /// The name on the command line, which [`Level::from_str`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => "amx",
        }
    }

    /// The name in device names and reports, as the vendor spells it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => "AMX",
        }
    }
}

/// The widest vector instructions of this processor that Framegate knows of, or else its architecture: for device
/// names and reports.
pub fn vector_instructions() -> &'static str {
    let level = Level::best(Precision::F32);
    if level == Level::Portable { std::env::consts::ARCH } else { level.label() }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(name: &str) -> Result<Self, LevelError> {
        let known = Self::NAMES.into_iter().find(|known| *known == name);
        let name = known.ok_or(LevelError::Unknown)?;
        let level = Self::available().into_iter().find(|level| level.name() == name);
        level.ok_or(match name {
            "amx" if !cfg!(feature = "amx") => LevelError::NotCompiledIn,
            _ => LevelError::NotDetected(name),
        })
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_where_the_processor_has_the_level() {
        let available = Level::available();
        for name in Level::NAMES {
            let here = available.iter().find(|level| level.name() == name);
            match (name.parse::<Level>(), here) {
                (Ok(level), Some(here)) => assert_eq!(level, *here),
                (Err(LevelError::NotDetected(_) | LevelError::NotCompiledIn), None) => {}
                (read, _) => panic!("{name} was read as {read:?}"),
            }
        }
        assert!(available.iter().all(|level| Level::NAMES.contains(&level.name())));
        assert_eq!("sse9".parse::<Level>(), Err(LevelError::Unknown));
    }

    #[test]
    fn the_best_level_has_the_precision_unless_only_portable_code_does() {
        assert!(Level::best(Precision::F32).has(Precision::F32));
        let best = Level::best(Precision::Bf16);
        let faster = Level::available().into_iter().skip(1).any(|level| level.has(Precision::Bf16));
        assert_eq!(best.has(Precision::Bf16), faster || best == Level::Portable);
    }

    #[test]
    fn amx_is_found_only_with_its_feature() {
        let has_amx = Level::available().iter().any(|level| level.name() == "amx");
        assert!(cfg!(feature = "amx") || !has_amx);
    }

    #[test]
    fn the_widest_instructions_are_those_of_the_processor() {
        let expected = match Level::available().iter().rfind(|level| level.name() != "amx") {
            Some(Level::Portable) | None => std::env::consts::ARCH,
            Some(level) => level.label(),
        };
        assert_eq!(vector_instructions(), expected);
    }
}
