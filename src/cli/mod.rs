//! The command line as it is typed: names, types and help texts. What the values mean, and which
//! of them are allowed, is decided in [`crate::config`].
//!
//! Every option can also be given as the environment variable `FRAMEGATE_` and its name; an option
//! on the command line beats its variable.

mod backend;
mod bench;
mod eval;
mod frames;
mod infer;
mod load;
mod logging;
mod models;
mod serve;

use clap::{Args, Parser, Subcommand};

pub use backend::{BackendArgs, BackendChoice, BackendResourceArgs, BackendsArgs};
pub use bench::{BackendList, BenchArgs};
pub use eval::EvalArgs;
pub use frames::{DecodeArgs, DetectionArgs, FrameArgs, OverlapArgs};
pub use infer::InferArgs;
pub use load::LoadArgs;
pub use logging::{LogArgs, LogFormat, LogLevel};
pub use models::{InspectArgs, ModelArgs, ModelFileArgs, ModelsCommand, RunArgs};
pub use serve::ServeArgs;

/// JPEG frames in, detections out.
#[derive(Debug, Parser)]
#[command(
    name = "framegate",
    version,
    about = "Runs neural detectors on JPEG frames",
    after_help = "Every option can also be set by an environment variable, FRAMEGATE_ and its name;\n\
                  the option beats the variable. The options named --stream-… go by the variables\n\
                  STREAM_… without the prefix.\n\
                  \n\
                  Exit status: 0 done, 1 something failed while running, 2 the command or the\n\
                  backend asked for cannot be used."
)]
pub struct Cli {
    /// How to log; understood by every subcommand.
    #[command(flatten)]
    pub log: LogArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve live video: JPEG frames over a WebSocket, answered in time
    Serve(Box<ServeArgs>),
    /// Detect objects in JPEG files, directories of them, or a stream of frames
    Infer(Box<InferArgs>),
    /// Measure how much of what is labelled in images a detector finds
    Eval(Box<EvalArgs>),
    /// Load a server with sessions of live video, and measure how it answers or find its capacity
    Load(Box<LoadArgs>),
    /// Compare backends: how fast each stage is on each, and whether they find the same
    Bench(Box<BenchArgs>),
    /// What `bench` starts a process of for each combination: answers on standard output what it is
    /// asked on standard input
    #[command(hide = true)]
    BenchWorker,
    /// Look into a model file, or run it on a raw tensor
    #[command(subcommand)]
    Models(ModelsCommand),
    /// List the compute backends: which are compiled in, which run here, and why others do not
    Backends(BackendsArgs),
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct ReportArgs {
    /// Print JSON instead of text for people
    #[arg(long, env = "FRAMEGATE_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}
