//! The program `framegate`: parses arguments, starts the log, runs a command, sets the exit status.

use std::io::stdout;
use std::process::ExitCode;

use clap::Parser;
use framegate::cli::Cli;
use framegate::commands::{self, CommandStatus};
use framegate::error_chain::error_chain;
use framegate::{logging, panics};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = logging::start(cli.log) {
        eprintln!("error: {}", error_chain(&error));
        return ExitCode::FAILURE;
    }
    panics::log_panics();
    match commands::run(cli.command, &mut stdout().lock()) {
        Ok(CommandStatus::Done) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", error_chain(&error));
            ExitCode::from(error.exit_status())
        }
    }
}
