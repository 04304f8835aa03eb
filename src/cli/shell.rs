//! Completions and manual pages, generated from the command line itself.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::Cli;

/// Options of `framegate completions`.
#[derive(Debug, Clone, Copy, Args)]
#[command(after_help = "Examples:\n  \
    framegate completions bash > /usr/share/bash-completion/completions/framegate\n  \
    framegate completions zsh > /usr/share/zsh/vendor-completions/_framegate")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Options of `framegate man`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  framegate man ~/.local/share/man/man1 && man framegate-serve")]
pub struct ManArgs {
    /// The directory, which must exist
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// The completions for a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut without_hidden(&Cli::command()), "framegate", &mut script);
    script
}

/// The command line without hidden commands, which the script for fish would offer.
fn without_hidden(cli: &Command) -> Command {
    let commands = cli.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new("framegate")
        .version(env!("CARGO_PKG_VERSION"))
        .args(cli.get_arguments())
        .subcommands(commands.cloned())
}

/// Writes `framegate.1` and a page like `framegate-serve.1` for each subcommand.
///
/// # Errors
/// The system's, when a page cannot be written.
pub fn man(directory: &Path) -> io::Result<()> {
    clap_mangen::generate_to(Cli::command(), directory)
}
