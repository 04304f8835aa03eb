//! The keys that a file may have, as the command line declares them.

use std::any::TypeId;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Args, Command, CommandFactory};

use super::PipelineArgs;
use crate::cli::Cli;

/// Names a file, so it cannot be in one; or is a table in a file.
const ELSEWHERE: [&str; 2] = ["config", "pipeline"];

/// The arguments that a part of a file may set.
pub(super) struct Known {
    arguments: Vec<Arg>,
}

impl Known {
    /// The options of `serve`, and those of the log.
    pub(super) fn of_serve() -> Self {
        let cli = Cli::command();
        let mut arguments = of(command(&cli, "serve"));
        arguments.extend(cli.get_arguments().cloned());
        Self { arguments }
    }

    /// The options of `watch`, and its sources.
    pub(super) fn of_watch() -> Self {
        Self { arguments: of(command(&Cli::command(), "watch")) }
    }

    /// The options of one pipeline.
    pub(super) fn of_pipeline() -> Self {
        let command = PipelineArgs::augment_args(Command::new("pipeline"));
        Self { arguments: of(&command) }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Arg> {
        self.arguments.iter().find(|argument| argument.get_id() == name)
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.arguments.iter().map(|argument| argument.get_id().as_str()).collect()
    }
}

fn command<'a>(cli: &'a Command, name: &str) -> &'a Command {
    cli.find_subcommand(name).expect("the command exists")
}

fn of(command: &Command) -> Vec<Arg> {
    let is_known = |argument: &&Arg| !ELSEWHERE.contains(&argument.get_id().as_str());
    command.get_arguments().filter(is_known).cloned().collect()
}

/// Whether an argument takes a list.
pub(super) fn takes_several(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Append)
}

/// Whether it names a file or a folder.
pub(super) fn is_path(argument: &Arg) -> bool {
    argument.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}
