//! Options that choose a compute backend, and `framegate backends`.

use clap::{Args, ValueEnum};

use super::ReportArgs;

/// Which backend computes.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Backend")]
pub struct BackendArgs {
    /// What computes
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackendName {
    /// The first that runs here of: wgpu on a hardware GPU, flex, ndarray
    Auto,
    /// burn on the CPU, on ndarray
    Ndarray,
    /// burn on the CPU, its own kernels
    Flex,
    /// burn on the GPU, through WebGPU
    Wgpu,
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
