//! Options of `framegate check`.

use std::path::PathBuf;

use clap::{Args, FromArgMatches};

use super::{
    BackendList, BackendResourceArgs, BackendsArgs, ConfigFileArgs, DetectionArgs, FetchArgs,
    ReportArgs,
};

/// Options of `framegate check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Each backend loads each model in a process of its own and runs the same frames. Its boxes and raw\n\
    outputs are held against those of simd without vector instructions, whose boxes in the built-in\n\
    model's frame are known. That model is always checked, and of several GPUs each one. A backend that\n\
    computes something else is called WRONG: do not use it.\n\
    On a GPU the first run of a model compiles and tunes kernels, which takes up to a minute.\n\
    \n\
    With --config, a configuration file is checked instead: each key and value, and whether the models\n\
    and labels that it names can be read. Nothing is served, no backend is used, nothing is fetched,\n\
    and variables are not looked at.\n\
    \n\
    Exit status: 1 when a backend is wrong or fails, when one that was named cannot run here, or when\n\
    there is a problem with the file.\n\
    \n\
    Examples:\n  \
    framegate check\n  \
    framegate check --config framegate.toml\n  \
    framegate check --model yolox_nano.onnx --images photos/ --backend wgpu,simd"
)]
pub struct CheckArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigFileArgs,
    /// Models to check besides the built-in one: ONNX files
    #[arg(long, env = "FRAMEGATE_MODEL", value_name = "FILE.onnx,…", value_delimiter = ',')]
    pub model: Vec<PathBuf>,
    /// Directory of JPEG files to check the models with, or one file [default: the frame in the program]
    #[arg(long, env = "FRAMEGATE_IMAGES", value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// Backends to check [default: all, except null]
    #[arg(long, env = "FRAMEGATE_BACKEND", value_name = "NAME,…", help_heading = "Backend")]
    pub backend: Option<BackendList>,
    /// Backend resources.
    #[command(flatten)]
    pub resources: BackendResourceArgs,
    /// CPU threads for preprocessing and for CPU backends [default: one per core]
    #[arg(long, env = "FRAMEGATE_THREADS", value_name = "N", help_heading = "Backend")]
    pub threads: Option<usize>,
    /// Detection thresholds.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// How the result is printed.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

impl CheckArgs {
    /// `framegate backends --check`.
    ///
    /// # Errors
    /// Clap's, when a variable of `check` has a value that is refused.
    pub(super) fn of_backends(backends: BackendsArgs) -> Result<Self, clap::Error> {
        let command = Self::augment_args(clap::Command::new("check"));
        let check = Self::from_arg_matches(&command.try_get_matches_from(["check"])?)?;
        Ok(Self { resources: backends.resources, report: backends.report, ..check })
    }
}
