//! The program `framegate`: parses arguments, starts the log, runs a command, sets the exit status.

use std::env::args_os;
use std::io::stdout;
use std::process::ExitCode;

use framegate::cli::{Cli, Command};
use framegate::commands::{self, CommandStatus};
use framegate::error_chain::error_chain;
use framegate::heap;
use framegate::logging::{self, Pressure};
use framegate::stages::panics;

/// Exit status of a program that ctrl-c has ended, as shells have it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = match Cli::read(args_os()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(error.show()),
    };
    let is_server = matches!(cli.command, Command::Serve(_));
    if is_server {
        heap::keep_large_buffers_apart();
    }
    let pressure = if is_server { Pressure::Lose } else { Pressure::Wait };
    if let Err(error) = logging::start(cli.log, pressure) {
        eprintln!("error: {}", error_chain(&error));
        return ExitCode::FAILURE;
    }
    panics::log_panics();
    let status = match commands::run(cli.command, &mut stdout().lock()) {
        Ok(CommandStatus::Done) => ExitCode::SUCCESS,
        Ok(CommandStatus::Interrupted) => ExitCode::from(INTERRUPTED),
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            logging::last_words(&format!("error: {}", error_chain(&error)));
            ExitCode::from(error.exit_status())
        }
    };
    logging::flush();
    status
}
