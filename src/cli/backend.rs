//! Options that choose a compute backend, and `framegate backends`.

use std::str::FromStr;

use clap::Args;
use framegate_backend_null::NullOptions;

use super::ReportArgs;

/// Which backend computes.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Backend")]
pub struct BackendArgs {
    /// What computes: auto, wgpu, flex, ndarray or null
    ///
    /// auto: the first that runs here of wgpu on a hardware GPU, flex, ndarray. wgpu: burn on the GPU,
    /// through WebGPU. flex: burn on the CPU, its own kernels. ndarray: burn on the CPU, on ndarray.
    /// null: computes nothing and finds nothing, to try everything around it;
    /// null:latency_ms=N,per_frame_ms=M takes that long.
    #[arg(long, env = "FRAMEGATE_BACKEND", value_name = "NAME", default_value = "auto")]
    pub backend: BackendName,
    /// Accept a GPU that is emulated on the processor, such as Mesa's llvmpipe
    #[arg(
        long,
        env = "FRAMEGATE_ALLOW_SOFTWARE_GPU",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub allow_software_gpu: bool,
    /// CPU threads for preparing frames and for CPU backends [default: one a core]
    #[arg(long, env = "FRAMEGATE_THREADS", value_name = "N")]
    pub threads: Option<usize>,
}

/// A backend as named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendName {
    /// The best that runs here.
    Auto,
    /// burn on the CPU, on ndarray.
    Ndarray,
    /// burn on the CPU, its own kernels.
    Flex,
    /// burn on the GPU, through WebGPU.
    Wgpu,
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
            "null" => return Ok(Self::Null(options.parse()?)),
            _ => return Err("expected auto, wgpu, flex, ndarray or null".to_owned()),
        };
        if !options.is_empty() {
            return Err(format!("`{name}` takes no options"));
        }
        Ok(backend)
    }
}

/// Options of `framegate backends`.
#[derive(Debug, Clone, Copy, Args)]
pub struct BackendsArgs {
    /// How the list is printed.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Count a GPU that is emulated on the processor as usable
    #[arg(
        long,
        env = "FRAMEGATE_ALLOW_SOFTWARE_GPU",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub allow_software_gpu: bool,
}
