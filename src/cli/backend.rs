//! Options that choose a compute backend, and `framegate backends`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use framegate_backend_null::NullOptions;

use super::ReportArgs;

/// Which backend computes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Backend")]
pub struct BackendArgs {
    /// What computes: auto, wgpu, simd, flex, ndarray, ort or null
    ///
    /// auto: the first that runs here of wgpu on a hardware GPU, simd, flex, ndarray. wgpu: burn on the
    /// GPU, through WebGPU. simd: our own engine on the CPU. flex: burn on the CPU, its own kernels. ndarray: burn on the CPU, on ndarray.
    /// ort: ONNX Runtime on the CPU, if this build has it and --ort-lib or the system its library.
    /// simd:precision=bf16: simd with --precision bf16.
    /// null: computes nothing and finds nothing, to try everything around it;
    /// null:latency_ms=N,per_frame_ms=M takes that long.
    #[arg(long, env = "FRAMEGATE_BACKEND", value_name = "NAME", default_value = "auto")]
    pub backend: BackendName,
    /// What backends may use.
    #[command(flatten)]
    pub resources: BackendResourceArgs,
    /// CPU threads for preparing frames and for CPU backends [default: one a core]
    #[arg(long, env = "FRAMEGATE_THREADS", value_name = "N")]
    pub threads: Option<usize>,
}

/// What backends may use beyond the safe defaults, and where they find it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Backend")]
pub struct BackendResourceArgs {
    /// Accept a GPU that is emulated on the processor, such as Mesa's llvmpipe
    #[arg(
        long,
        env = "FRAMEGATE_ALLOW_SOFTWARE_GPU",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub allow_software_gpu: bool,
    /// Vector instructions that the backend simd uses [default: the fastest that the processor has]
    #[arg(long, env = "FRAMEGATE_SIMD_LEVEL", value_name = "LEVEL")]
    pub simd_level: Option<SimdLevelName>,
    /// What the backend simd multiplies in convolutions: bf16 is faster and less exact, and needs a
    /// processor with AVX-512 BF16; AMX is used where it is
    #[arg(long, env = "FRAMEGATE_PRECISION", value_name = "PRECISION", default_value = "f32")]
    pub precision: PrecisionName,
    /// ONNX Runtime's shared library, or the folder that holds it, for the backend ort [default: where
    /// the system looks for libraries]
    #[arg(long, env = "ORT_DYLIB_PATH", value_name = "PATH")]
    pub ort_lib: Option<PathBuf>,
}

/// Vector instructions as named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SimdLevelName {
    /// What every processor has.
    Portable,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512.
    Avx512,
    /// AVX-512 and AMX, which multiplies bf16 alone.
    Amx,
}

/// What is multiplied, as named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionName {
    /// 24 significant bits.
    F32,
    /// 8 significant bits.
    Bf16,
}

/// A backend as named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendName {
    /// The best that runs here.
    Auto,
    /// burn on the CPU, on ndarray.
    Ndarray,
    /// Our own engine, on the CPU, in this precision if one is named.
    Simd(Option<PrecisionName>),
    /// burn on the CPU, its own kernels.
    Flex,
    /// burn on the GPU, through WebGPU.
    Wgpu,
    /// ONNX Runtime on the CPU.
    Ort,
    /// Nothing, in so much time.
    Null(NullOptions),
}

impl FromStr for BackendName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let backend = match name {
            "auto" => Self::Auto,
            "ndarray" => Self::Ndarray,
            "flex" => Self::Flex,
            "wgpu" => Self::Wgpu,
            "simd" => return Ok(Self::Simd(precision(options)?)),
            "ort" => Self::Ort,
            "null" => return Ok(Self::Null(options.parse()?)),
            _ => return Err("expected auto, wgpu, simd, flex, ndarray, ort or null".to_owned()),
        };
        if !options.is_empty() {
            return Err(format!("`{name}` takes no options"));
        }
        Ok(backend)
    }
}

/// Reads `precision=NAME`, or nothing.
fn precision(options: &str) -> Result<Option<PrecisionName>, String> {
    if options.is_empty() {
        return Ok(None);
    }
    let name = options.strip_prefix("precision=");
    let precision = name.and_then(|name| PrecisionName::from_str(name, false).ok());
    precision.map(Some).ok_or_else(|| {
        format!(
            "`simd` does not know `{options}`; expected simd:precision=bf16 or simd:precision=f32"
        )
    })
}

/// Options of `framegate backends`.
#[derive(Debug, Clone, Args)]
pub struct BackendsArgs {
    /// How the list is printed.
    #[command(flatten)]
    pub report: ReportArgs,
    /// What backends may use.
    #[command(flatten)]
    pub resources: BackendResourceArgs,
}
