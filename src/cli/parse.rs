//! Parses the command line with the file's values as defaults.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::file::{ConfigFile, pipelines, settings};
use super::{CheckArgs, Cli, ServeArgs, UsageError};

/// Parses a command line; of `serve` and `watch` with a file, if one is named.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Cli, UsageError> {
    let Some((command, path)) = named_file(&arguments) else {
        return finish(&Cli::command().try_get_matches_from(arguments)?, None);
    };
    let file = ConfigFile::read(&path)?;
    let cli = file.as_defaults(Cli::command(), &command);
    finish(&cli.try_get_matches_from(arguments)?, Some(file))
}

/// The command that takes options from a file, and the file. A command line that cannot be parsed has none.
fn named_file(arguments: &[OsString]) -> Option<(String, PathBuf)> {
    // What is required may be in the file.
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(arguments).ok()?;
    let (command, matches) = matches.subcommand()?;
    if !["serve", "watch"].contains(&command) {
        return None;
    }
    let path = matches.try_get_one::<PathBuf>("config").ok()??;
    Some((command.to_owned(), path.clone()))
}

fn finish(matches: &ArgMatches, file: Option<ConfigFile>) -> Result<Cli, UsageError> {
    let mut cli = Cli::from_arg_matches(matches)?;
    let (name, matches) = matches.subcommand().unwrap_or(("", matches));
    match &mut cli.command {
        super::Command::Serve(serve) => {
            let command = Cli::command();
            serve.settings = command
                .find_subcommand(name)
                .map(|command| settings(command, matches, file.as_ref()))
                .unwrap_or_default();
            add_pipelines(serve, matches, file)?;
        }
        super::Command::Watch(watch) => watch.config.file = file,
        super::Command::Backends(backends) if backends.check => {
            cli.command =
                super::Command::Check(Box::new(CheckArgs::of_backends(backends.clone())?));
        }
        _ => {}
    }
    Ok(cli)
}

/// The pipelines of the file, unless the command line or a variable names others.
fn add_pipelines(
    serve: &mut ServeArgs,
    matches: &ArgMatches,
    file: Option<ConfigFile>,
) -> Result<(), UsageError> {
    if let Some(file) = &file
        && serve.pipeline.is_empty()
    {
        serve.own_pipelines = pipelines(file, matches)?;
    }
    serve.config.file = file;
    Ok(())
}

impl ConfigFile {
    /// The command line whose defaults are the values of this file.
    fn as_defaults(&self, cli: Command, name: &str) -> Command {
        let set = |argument: Arg| self.default_of(argument, name);
        cli.mut_args(set).mut_subcommand(name, |command| command.mut_args(set))
    }

    fn default_of(&self, argument: Arg, command: &str) -> Arg {
        match self.entry(argument.get_id().as_str(), command) {
            // An empty list leaves the default.
            Some(entry) if !entry.values.is_empty() => {
                argument.required(false).default_values(entry.values.clone())
            }
            _ => argument,
        }
    }

    /// The command line that this file alone amounts to, without variables.
    ///
    /// # Errors
    /// Clap's, when something is required that the file does not have.
    pub fn alone(&self, command: &str) -> Result<super::Command, UsageError> {
        let bare = |argument: Arg| argument.env(Resettable::Reset);
        let cli = Cli::command().mut_args(bare);
        let cli = cli.mut_subcommand(command, |command| command.mut_args(bare));
        let matches =
            self.as_defaults(cli, command).try_get_matches_from(["framegate", command])?;
        Ok(finish(&matches, Some(self.clone()))?.command)
    }
}
