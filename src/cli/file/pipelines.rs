//! The options of one pipeline: those of its table, of the whole file, or of the command line.

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::{ConfigFile, PipelineTable};
use crate::cli::{
    BackendArgs, DetailArgs, DetectionArgs, ModelArgs, ModelFileArgs, ReportedArgs, ScaleArgs,
};

/// The keys of a table `[[pipeline]]`: options, as they are elsewhere.
#[derive(Debug, Clone, Args)]
pub struct PipelineArgs {
    /// The name by which clients request it [default: the name of the model's file]
    #[arg(long)]
    pub name: Option<String>,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Model file options.
    #[command(flatten)]
    pub model_file: ModelFileArgs,
    /// The backend.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Detection thresholds.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// Detections that are reported.
    #[command(flatten)]
    pub reported: ReportedArgs,
    /// Masks.
    #[command(flatten)]
    pub details: DetailArgs,
    /// Scale of decoded frames.
    #[command(flatten)]
    pub scale: ScaleArgs,
}

/// A pipeline of the file, with what holds for it.
#[derive(Debug, Clone)]
pub struct NamedPipelineArgs {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its options, wherever each is set.
    pub options: PipelineArgs,
}

/// The pipelines of a file. `serve` is the command line as parsed, with the file's defaults.
pub(in crate::cli) fn pipelines(
    file: &ConfigFile,
    serve: &ArgMatches,
) -> Result<Vec<NamedPipelineArgs>, clap::Error> {
    let options = |table: &PipelineTable| {
        let command = PipelineArgs::augment_args(Command::new("pipeline").no_binary_name(true));
        let command = command.mut_args(|argument| {
            let argument = argument.env(Resettable::Reset);
            match values(argument.get_id().as_str(), table, serve) {
                Some(values) => argument.default_values(values),
                None => argument,
            }
        });
        let matches = command.try_get_matches_from([""; 0])?;
        let options = PipelineArgs::from_arg_matches(&matches)?;
        Ok(NamedPipelineArgs { line: table.line, options })
    };
    file.pipelines.iter().map(options).collect()
}

/// An option's values: a variable or an option beats the table, which beats the rest of the file.
fn values(
    name: &str,
    table: &PipelineTable,
    serve: &ArgMatches,
) -> Option<Vec<std::ffi::OsString>> {
    let general = || {
        let values = serve.try_get_raw(name).ok().flatten()?;
        Some(values.map(ToOwned::to_owned).collect())
    };
    if is_typed(name, serve) {
        return general();
    }
    let own = table.entries.iter().find(|entry| entry.name == name);
    own.map(|entry| entry.values.iter().map(Into::into).collect()).or_else(general)
}

/// Whether an option, or its variable, was given to the command.
pub(super) fn is_typed(name: &str, serve: &ArgMatches) -> bool {
    // Asking for an option that the command does not have would panic.
    serve.try_contains_id(name).is_ok()
        && matches!(
            serve.value_source(name),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        )
}
