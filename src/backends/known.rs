//! The table of backends. To add one, add an entry here and its crate to the root `Cargo.toml`.
//!
//! This is the only file that depends on Cargo features.

use std::sync::Arc;

use framegate_backend_api::{Backend, BackendError};
use framegate_backend_null::{NullBackend, NullOptions};
#[cfg(feature = "simd")]
use framegate_cpu::Precision;

use super::{BackendIdError, BackendOptions};

/// A backend this program knows of, whether or not it is in this build.
pub(super) struct KnownBackend {
    /// The name on the command line and in results.
    pub(super) name: &'static str,
    /// One sentence for `--help`.
    pub(super) about: &'static str,
    /// Whether `auto` may select it.
    pub(super) is_in_auto: bool,
    /// Whether it runs models. `null` only pretends to.
    pub(super) computes: bool,
    /// Whether it computes in other precisions than `f32`.
    pub(super) has_precisions: bool,
    /// How to create it, or the Cargo feature that adds it to the build.
    pub(super) factory: Result<Factory, &'static str>,
}

/// How to create a backend from what follows its name on the command line.
#[derive(Clone, Copy)]
pub(super) enum Factory {
    /// Nothing may follow the name.
    #[cfg_attr(
        not(any(feature = "burn", feature = "ort")),
        expect(dead_code, reason = "every backend of this build takes options")
    )]
    Plain(fn(&BackendOptions) -> Created),
    /// Options may follow the name and a colon: `null:latency_ms=5`.
    WithOptions(fn(&str) -> Result<Create, BackendIdError>),
}

/// Creates a backend.
pub(super) type Create = Arc<dyn Fn(&BackendOptions) -> Created + Send + Sync>;

/// A backend, or why it cannot be created.
pub(super) type Created = Result<Box<dyn Backend>, BackendError>;

/// All known backends. `auto` tries them in this order.
pub(super) static KNOWN: [KnownBackend; 6] = [
    KnownBackend {
        name: "wgpu",
        about: "burn on the GPU, through WebGPU",
        is_in_auto: true,
        computes: true,
        has_precisions: false,
        #[cfg(feature = "wgpu")]
        factory: Ok(Factory::Plain(|options| {
            let options = framegate_backend_burn::WgpuOptions {
                allow_software: options.allow_software_gpu,
                adapter: options.gpu.clone(),
            };
            Ok(Box::new(framegate_backend_burn::wgpu(options)))
        })),
        #[cfg(not(feature = "wgpu"))]
        factory: Err("wgpu"),
    },
    KnownBackend {
        name: "simd",
        about: "Framegate's own engine on the CPU; simd:precision=bf16 is simd with --precision bf16, and so is int8",
        is_in_auto: true,
        computes: true,
        has_precisions: true,
        #[cfg(feature = "simd")]
        factory: Ok(Factory::WithOptions(simd)),
        #[cfg(not(feature = "simd"))]
        factory: Err("simd"),
    },
    KnownBackend {
        name: "flex",
        about: "burn on the CPU, with its own kernels",
        is_in_auto: true,
        computes: true,
        has_precisions: false,
        #[cfg(feature = "burn")]
        factory: Ok(Factory::Plain(|_| Ok(Box::new(framegate_backend_burn::flex())))),
        #[cfg(not(feature = "burn"))]
        factory: Err("burn"),
    },
    KnownBackend {
        name: "ndarray",
        about: "burn on the CPU, with the ndarray crate",
        is_in_auto: true,
        computes: true,
        has_precisions: false,
        #[cfg(feature = "burn")]
        factory: Ok(Factory::Plain(|_| Ok(Box::new(framegate_backend_burn::ndarray())))),
        #[cfg(not(feature = "burn"))]
        factory: Err("burn"),
    },
    KnownBackend {
        name: "ort",
        about: "ONNX Runtime on the CPU, if --ort-lib or the system provides its library",
        is_in_auto: false,
        computes: true,
        has_precisions: false,
        #[cfg(feature = "ort")]
        factory: Ok(Factory::Plain(|options| {
            Ok(Box::new(framegate_backend_ort::OrtBackend::new(options.ort_library.clone())))
        })),
        #[cfg(not(feature = "ort"))]
        factory: Err("ort"),
    },
    KnownBackend {
        name: "null",
        about: "computes nothing and detects nothing, to test everything else; \
                null:latency_ms=N,per_frame_ms=M takes this long",
        is_in_auto: false,
        computes: false,
        has_precisions: true,
        factory: Ok(Factory::WithOptions(null)),
    },
];

/// Reads `precision=NAME`, which beats `--precision`, or nothing.
#[cfg(feature = "simd")]
fn simd(text: &str) -> Result<Create, BackendIdError> {
    use framegate_backend_simd::{Level, SimdBackend, SimdOptions};

    let named = match text.strip_prefix("precision=") {
        None if text.is_empty() => None,
        None => return Err(BackendIdError::UnknownSimdOption(text.to_owned())),
        Some(name) => Some(name.parse::<Precision>()?),
    };
    Ok(Arc::new(move |options: &BackendOptions| -> Created {
        let precision = named.unwrap_or(options.precision);
        let level = options.simd_level.unwrap_or_else(|| Level::best(precision));
        Ok(Box::new(SimdBackend::new(SimdOptions { level, precision })))
    }))
}

fn null(text: &str) -> Result<Create, BackendIdError> {
    let options: NullOptions = text.parse()?;
    Ok(Arc::new(move |_: &BackendOptions| -> Created { Ok(Box::new(NullBackend::new(options))) }))
}
