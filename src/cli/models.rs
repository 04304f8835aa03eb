//! Options of `framegate models`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use framegate_models::detector::EMBEDDED_MODEL;

use super::backend::backend_choice;
use super::{BackendArgs, BackendChoice, FetchArgs, ReportArgs};

/// The subcommands of `framegate models`.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Show a model's inputs, outputs, operators, size, labels and box decoder
    Inspect(InspectArgs),
    /// Run a model on a raw tensor and write every raw output, to compare with another runtime
    Run(RunArgs),
    /// Fetch models, to be used offline later
    Pull(PullArgs),
    /// List the models that have been fetched
    List(ListArgs),
    /// Remove models that have been fetched
    Rm(RmArgs),
}

/// The model.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    /// A file, an address, or the name of the built-in model.
    #[arg(
        long,
        env = "FRAMEGATE_MODEL",
        value_name = "FILE.onnx",
        default_value = EMBEDDED_MODEL,
        // Rustdoc would take the brackets for a link.
        help = "The model: an ONNX file, `codes` for the built-in model, which finds barcodes, or one that is \
                fetched: https://…, or hf:OWNER/REPOSITORY/PATH.onnx[@REVISION]; #sha256=… pins its contents"
    )]
    pub model: PathBuf,
}

/// Options that add to a model file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelFileArgs {
    /// Class names, one per line [default: those in the model or in the .toml file beside it]
    #[arg(long, env = "FRAMEGATE_LABELS", value_name = "FILE.txt")]
    pub labels: Option<PathBuf>,
    /// Input size in pixels, for a model that accepts several [default: the model's own]
    #[arg(long, env = "FRAMEGATE_INPUT_SIZE", value_name = "WIDTHxHEIGHT")]
    pub input_size: Option<String>,
}

/// Options of `framegate models inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  framegate models inspect yolox_nano.onnx")]
pub struct InspectArgs {
    /// The model: an ONNX file, or `codes` for the built-in model
    #[arg(value_name = "FILE.onnx")]
    pub model: PathBuf,
    /// Model file options.
    #[command(flatten)]
    pub model_file: ModelFileArgs,
    /// Also load it on this backend, and list the kernels that run it and the nodes without a fast
    /// kernel; simd only
    #[arg(
        long,
        env = "FRAMEGATE_BACKEND",
        value_name = "NAME",
        value_parser = backend_choice
    )]
    pub backend: Option<BackendChoice>,
    /// Report format.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// Options of `framegate models pull`.
#[derive(Debug, Args)]
#[command(
    after_help = "A model is fetched with its sidecar (NAME.toml), if there is one, and with the files that its weights\n\
    are in. What is cut off goes on where it was.\n\
    \n\
    Example:\n  \
    framegate models pull https://example.org/people.onnx#sha256=9f86d081884c7d65…"
)]
pub struct PullArgs {
    /// Addresses.
    #[arg(
        required = true,
        value_name = "ADDRESS",
        // Rustdoc would take the brackets for a link.
        help = "The models: https://…, or hf:OWNER/REPOSITORY/PATH.onnx[@REVISION]; #sha256=… pins a model's contents"
    )]
    pub models: Vec<String>,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// Options of `framegate models list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// How the list is printed.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// Options of `framegate models rm`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  framegate models rm https://example.org/people.onnx")]
pub struct RmArgs {
    /// The models, under the addresses that `models list` shows
    #[arg(required = true, value_name = "ADDRESS")]
    pub models: Vec<String>,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// Options of `framegate models run`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    framegate models run faces.onnx --backend flex --input faces.input.npy --output-dir raw")]
pub struct RunArgs {
    /// The model: an ONNX file, or `codes` for the built-in model
    #[arg(value_name = "FILE.onnx")]
    pub model: PathBuf,
    /// The input tensor, a float32 .npy file: one image or a batch of 1 to 16
    #[arg(long, env = "FRAMEGATE_INPUT", value_name = "FILE.npy")]
    pub input: PathBuf,
    /// Directory in which to write a .npy file per output, named as in the model
    #[arg(long, env = "FRAMEGATE_OUTPUT_DIR", value_name = "DIR")]
    pub output_dir: PathBuf,
    /// Also run the model for two seconds and print time, share and speed per layer; only on simd
    #[arg(long, env = "FRAMEGATE_PROFILE", value_parser = clap::builder::BoolishValueParser::new())]
    pub profile: bool,
    /// The backend.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}
