//! Arguments → log → command → exit status.

use std::process::ExitCode;

use clap::Parser;
use framegate::cli::Cli;
use framegate::commands::{self, Outcome};
use framegate::{logging, panics};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = logging::start(cli.log) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    panics::log_panics();
    match commands::run(cli.command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}
