//! The command line as typed: names, types and help texts. `config` checks the values.
//!
//! Every option can also be set by the environment variable `FRAMEGATE_` followed by its name; an option
//! on the command line overrides its variable. A variable means the same in every command that has it.

mod backend;
mod bench;
mod check;
mod error;
mod eval;
mod fetch;
mod file;
mod frames;
mod infer;
mod load;
mod logging;
mod models;
mod parse;
mod serve;
mod shell;
mod traces;
mod variables;
mod watch;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

pub use backend::{BackendArgs, BackendChoice, BackendResourceArgs, BackendsArgs, SelfCheckArgs};
pub use bench::{BackendList, BenchArgs};
pub use check::CheckArgs;
pub use error::UsageError;
pub use eval::{EvalArgs, GroundTruthFormat, TracksArgs};
pub use fetch::FetchArgs;
pub use file::{
    ConfigFile, ConfigFileArgs, FileError, NamedPipelineArgs, PipelineArgs, Problem, sentence,
};
pub use frames::{
    AgeArgs, DecodeArgs, DetailArgs, DetectionArgs, FrameArgs, OverlapArgs, ReadArgs, ReportedArgs,
    ScaleArgs, TileArgs,
};
pub use infer::{InferArgs, ResultFormat, SelectionArgs};
pub use load::LoadArgs;
pub use logging::{LogArgs, LogFormat, LogLevel};
pub use models::{
    InspectArgs, ListArgs, ModelArgs, ModelFileArgs, ModelsCommand, PullArgs, RmArgs, RunArgs,
};
pub use serve::{Compat, ServeArgs, VideoArgs};
pub use shell::{CompletionsArgs, ManArgs, completions, man};
pub use traces::TraceArgs;
pub use variables::{UnknownVariable, misspelt};
pub use watch::WatchArgs;

/// JPEG frames in, detections out.
#[derive(Debug, Parser)]
#[command(
    name = "framegate",
    version,
    about = "Runs neural detectors on JPEG frames",
    after_help = "Every option can also be set by an environment variable: FRAMEGATE_ followed by its name.\n\
                  An option overrides its variable. The variables of the options --stream-… and\n\
                  --video-… are STREAM_… and VIDEO_…, without the prefix.\n\
                  \n\
                  Exit status: 0 success, 1 something failed while running, 2 the command cannot be\n\
                  used as given, or the requested backend cannot run here, 130\n\
                  ended by ctrl-c with a part of the results."
)]
pub struct Cli {
    /// Log options, accepted by every subcommand.
    #[command(flatten)]
    pub log: LogArgs,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses a command line, with the program's name in front, and what it says of a configuration file.
    ///
    /// # Errors
    /// [`UsageError`], which also stands for `--help`.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        parse::parse(arguments.into_iter().collect())
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve live video: receive JPEG frames over WebSockets and answer each in time
    Serve(Box<ServeArgs>),
    /// Watch cameras and video files in real time: one line of results per frame, for as long as it takes
    Watch(Box<WatchArgs>),
    /// Detect objects in JPEG files, videos, directories, or a stream of frames
    Infer(Box<InferArgs>),
    /// Measure recall and precision of a detector on labelled images
    Eval(Box<EvalArgs>),
    /// Put a server under load with sessions of live video: measure its answers or find its capacity
    Load(Box<LoadArgs>),
    /// Compare backends: the speed of each stage, and whether they detect the same
    Bench(Box<BenchArgs>),
    /// Internal: worker process of `bench`, which speaks JSON lines on standard input and output
    #[command(hide = true)]
    BenchWorker,
    /// Check every backend that runs here: whether it computes what it should, and how fast. The first
    /// thing to run on a new machine
    Check(Box<CheckArgs>),
    /// Inspect a model file, run it on a raw tensor, or fetch models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// List the compute backends: which are compiled in, which run here, and why the others do not
    Backends(BackendsArgs),
    /// Print the completions of this command line for a shell
    Completions(CompletionsArgs),
    /// Write a manual page for each command
    Man(ManArgs),
}

/// Report format.
#[derive(Debug, Clone, Copy, Args)]
pub struct ReportArgs {
    /// Print JSON instead of text
    #[arg(long, env = "FRAMEGATE_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}
