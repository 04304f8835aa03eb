//! The compute backends of this build, and how one of them is chosen.
//!
//! This is the only file that knows which Cargo features are on.

use std::fmt;
use std::path::PathBuf;

use framegate_backend_api::{Backend, BackendError, DeviceInfo, DeviceKind};
use framegate_backend_null::{NullBackend, NullOptions};
use serde::{Deserialize, Serialize};

/// The backends that `auto` chooses from, best first.
const CHOICE: [BackendId; 4] =
    [BackendId::Wgpu, BackendId::Simd(None), BackendId::Flex, BackendId::Ndarray];

/// The backends this program knows of, best first.
pub const KNOWN: [BackendId; 6] = [
    BackendId::Wgpu,
    BackendId::Simd(None),
    BackendId::Flex,
    BackendId::Ndarray,
    BackendId::Ort,
    BackendId::Null(NullOptions::INSTANT),
];

/// A backend this program knows of, whether or not it was compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendId {
    /// burn on the GPU, through WebGPU.
    Wgpu,
    /// Our own engine, on the CPU; in the precision of [`BackendOptions`] unless one is named.
    Simd(Option<Precision>),
    /// burn on the CPU, its own kernels.
    Flex,
    /// burn on the CPU, on ndarray.
    Ndarray,
    /// ONNX Runtime on the CPU.
    Ort,
    /// Nothing, in so much time.
    Null(NullOptions),
}

impl BackendId {
    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wgpu => "wgpu",
            Self::Simd(_) => "simd",
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Ort => "ort",
            Self::Null(_) => "null",
        }
    }

    /// The backend itself.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] when it was not compiled in.
    pub fn create(self, options: &BackendOptions) -> Result<Box<dyn Backend>, BackendError> {
        let only_f32 = !matches!(self, Self::Simd(_) | Self::Null(_));
        if only_f32 && options.precision == Precision::Bf16 {
            return Err(BackendError::Unavailable {
                backend: self.name(),
                reason:
                    "it computes in f32 alone; --precision bf16 is for simd, and to compare both \
                         name simd:precision=bf16"
                        .to_owned(),
            });
        }
        match self {
            Self::Wgpu => wgpu(options),
            Self::Simd(precision) => simd(precision.unwrap_or(options.precision), options),
            Self::Flex => flex(),
            Self::Ndarray => ndarray(),
            Self::Ort => ort(options),
            Self::Null(options) => Ok(Box::new(NullBackend::new(options))),
        }
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a user allows beyond the safe defaults, and says about the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendOptions {
    /// Accept a GPU that is emulated on the processor.
    pub allow_software_gpu: bool,
    /// Vector instructions of our own engine; `None` takes the fastest that the processor has.
    pub simd_level: Option<SimdLevel>,
    /// What convolutions multiply, on our own engine.
    pub precision: Precision,
    /// ONNX Runtime's shared library or its folder; `None` looks where the system looks.
    pub ort_library: Option<PathBuf>,
}

/// The numbers that convolutions multiply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 24 significant bits.
    #[default]
    F32,
    /// 8 significant bits.
    Bf16,
}

/// Vector instructions that our own engine has code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SimdLevel {
    /// What every processor has.
    Portable,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512.
    Avx512,
    /// AVX-512, and AMX for what is multiplied as bf16.
    Amx,
}

impl SimdLevel {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        }
    }
}

/// A backend, or why it cannot be had.
type Created = Result<Box<dyn Backend>, BackendError>;

#[cfg(feature = "burn")]
fn flex() -> Created {
    Ok(Box::new(framegate_backend_burn::flex()))
}

#[cfg(not(feature = "burn"))]
fn flex() -> Created {
    not_compiled_in(BackendId::Flex)
}

#[cfg(feature = "burn")]
fn ndarray() -> Created {
    Ok(Box::new(framegate_backend_burn::ndarray()))
}

#[cfg(not(feature = "burn"))]
fn ndarray() -> Created {
    not_compiled_in(BackendId::Ndarray)
}

#[cfg(feature = "wgpu")]
fn wgpu(options: &BackendOptions) -> Created {
    let allow_software = options.allow_software_gpu;
    let options = framegate_backend_burn::WgpuOptions { allow_software };
    Ok(Box::new(framegate_backend_burn::wgpu(options)))
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(_: &BackendOptions) -> Created {
    not_compiled_in(BackendId::Wgpu)
}

#[cfg(feature = "simd")]
fn simd(precision: Precision, options: &BackendOptions) -> Created {
    use framegate_backend_simd::{
        Precision as Products, SimdBackend, SimdLevel as Level, SimdOptions,
    };

    let precision = match precision {
        Precision::F32 => Products::F32,
        Precision::Bf16 => Products::Bf16,
    };
    let level = match options.simd_level {
        None => Some(Level::best(precision)),
        Some(asked) => Level::available().into_iter().find(|level| level.name() == asked.name()),
    };
    let level = level.ok_or_else(|| BackendError::Unavailable {
        backend: BackendId::Simd(None).name(),
        reason: "this processor does not have the instructions asked for with --simd-level; leave \
                 it out to use the fastest that there are"
            .to_owned(),
    })?;
    Ok(Box::new(SimdBackend::new(SimdOptions { level, precision })))
}

#[cfg(not(feature = "simd"))]
fn simd(_: Precision, _: &BackendOptions) -> Created {
    not_compiled_in(BackendId::Simd(None))
}

#[cfg(feature = "ort")]
fn ort(options: &BackendOptions) -> Created {
    Ok(Box::new(framegate_backend_ort::OrtBackend::new(options.ort_library.clone())))
}

#[cfg(not(feature = "ort"))]
fn ort(_: &BackendOptions) -> Created {
    not_compiled_in(BackendId::Ort)
}

#[cfg(not(all(feature = "burn", feature = "wgpu", feature = "simd", feature = "ort")))]
fn not_compiled_in(id: BackendId) -> Created {
    Err(BackendError::Unavailable {
        backend: id.name(),
        reason: "it is not in this build; build with its Cargo feature".to_owned(),
    })
}

/// A backend that was chosen, and why.
pub struct Chosen {
    /// The backend.
    pub backend: Box<dyn Backend>,
    /// What it runs on.
    pub device: DeviceInfo,
    /// Why this one, for people.
    pub reason: String,
}

/// Uses the backend that was asked for and no other, or, where none was, the first that runs here.
///
/// # Errors
/// [`BackendError::Unavailable`].
pub fn choose(asked: Option<BackendId>, options: &BackendOptions) -> Result<Chosen, BackendError> {
    let chosen = match asked {
        Some(id) => named(id.create(options)?)?,
        None => first_usable(CHOICE.into_iter().map(|id| id.create(options)))?,
    };
    tracing::info!(
        backend = chosen.backend.name(),
        device = chosen.device.name,
        reason = chosen.reason,
        "backend chosen"
    );
    Ok(chosen)
}

fn named(backend: Box<dyn Backend>) -> Result<Chosen, BackendError> {
    let device = backend.probe()?;
    Ok(Chosen { backend, device, reason: "it was asked for".to_owned() })
}

/// The first candidate that runs on hardware of its own kind: an emulated GPU is slower than the
/// processor that emulates it.
fn first_usable(
    candidates: impl IntoIterator<Item = Result<Box<dyn Backend>, BackendError>>,
) -> Result<Chosen, BackendError> {
    let mut passed_over: Vec<String> = Vec::new();
    for candidate in candidates {
        match candidate.and_then(on_hardware) {
            Ok((backend, device)) => {
                let reason = match passed_over.is_empty() {
                    true => "the first choice runs here".to_owned(),
                    false => passed_over.join("; "),
                };
                return Ok(Chosen { backend, device, reason });
            }
            Err(error) => passed_over.push(error.to_string()),
        }
    }
    Err(BackendError::Unavailable { backend: "auto", reason: passed_over.join("; ") })
}

fn on_hardware(backend: Box<dyn Backend>) -> Result<(Box<dyn Backend>, DeviceInfo), BackendError> {
    let device = backend.probe()?;
    match device.kind {
        DeviceKind::SoftwareGpu => Err(BackendError::Unavailable {
            backend: backend.name(),
            reason: format!("its GPU, {}, is emulated on the processor", device.name),
        }),
        DeviceKind::Cpu | DeviceKind::Gpu => Ok((backend, device)),
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::{Limits, Model, Session};

    use super::*;

    /// A backend of which only the probe is asked.
    struct Probed(&'static str, Option<DeviceKind>);

    impl Backend for Probed {
        fn name(&self) -> &'static str {
            self.0
        }

        fn probe(&self) -> Result<DeviceInfo, BackendError> {
            let name = format!("device of {}", self.0);
            let missing = BackendError::Unavailable { backend: self.0, reason: "no device".into() };
            self.1.map(|kind| DeviceInfo { name, kind }).ok_or(missing)
        }

        fn load(&self, _: &Model, _: &Limits) -> Result<Box<dyn Session>, BackendError> {
            unreachable!("choosing a backend loads no model")
        }
    }

    fn choice(candidates: Vec<Probed>) -> Result<Chosen, BackendError> {
        first_usable(candidates.into_iter().map(|probed| Ok(Box::new(probed) as Box<dyn Backend>)))
    }

    #[test]
    fn the_first_that_runs_is_chosen_and_what_was_passed_over_is_told() {
        let chosen = choice(vec![
            Probed("a", None),
            Probed("b", Some(DeviceKind::Cpu)),
            Probed("c", Some(DeviceKind::Cpu)),
        ])
        .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(chosen.backend.name(), "b");
        assert_eq!(chosen.device.name, "device of b");
        assert_eq!(chosen.reason, "backend `a` cannot run here: no device");
    }

    #[test]
    fn an_emulated_gpu_is_never_chosen_unasked() {
        let candidates =
            || vec![Probed("a", Some(DeviceKind::SoftwareGpu)), Probed("b", Some(DeviceKind::Cpu))];
        let chosen = choice(candidates()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(chosen.backend.name(), "b");
        assert!(chosen.reason.contains("device of a, is emulated"), "{}", chosen.reason);
        let asked = named(Box::new(Probed("a", Some(DeviceKind::SoftwareGpu))));
        assert_eq!(asked.map(|chosen| chosen.device.kind), Ok(DeviceKind::SoftwareGpu));
    }

    #[test]
    fn a_hardware_gpu_comes_before_the_processor() {
        let chosen =
            choice(vec![Probed("a", Some(DeviceKind::Gpu)), Probed("b", Some(DeviceKind::Cpu))]);
        assert_eq!(chosen.map(|chosen| chosen.backend.name()), Ok("a"));
    }

    #[test]
    fn without_any_backend_every_reason_is_told() {
        let error = choice(vec![Probed("a", None), Probed("b", None)]).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("`a` cannot run here") && text.contains("`b` cannot run here"));
    }
}
