//! The program `framegate`: parses arguments, starts the log, runs a command, sets the exit status.

use std::env;
use std::ffi::OsString;
use std::io::stdout;

use crate::cli::{self, Cli, Command, UnknownVariable};
use crate::commands::{self, CommandStatus};
use crate::descriptors::raise_limit;
use crate::display;
use crate::error_chain::error_chain;
use crate::heap;
use crate::logging::{self, Pressure};
use crate::stages::panics;

const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;
/// Exit status of a program that ctrl-c has ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// Runs a command line, with the program's name in front, and returns the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    display::silence_display_warnings();
    let cli = match Cli::read(arguments) {
        Ok(cli) => cli,
        Err(error) => return error.show(),
    };
    let is_server = matches!(cli.command, Command::Serve(_));
    if is_server {
        heap::map_large_buffers();
    }
    let pressure = if is_server { Pressure::Lose } else { Pressure::Wait };
    let traces = match &cli.command {
        Command::Serve(serve) => Some(&serve.traces),
        _ => None,
    };
    if let Err(error) = logging::start(cli.log, traces, pressure) {
        eprintln!("error: {}", error_chain(&error));
        return error.exit_status();
    }
    panics::log_panics();
    // Every camera and session is a socket, also those of `watch` and `load`.
    raise_limit();
    if !matches!(cli.command, Command::BenchWorker) {
        warn_of_variables();
    }
    let status = match commands::run(cli.command, &mut stdout().lock()) {
        Ok(CommandStatus::Done) => SUCCESS,
        Ok(CommandStatus::Interrupted) => INTERRUPTED,
        Ok(_) => FAILURE,
        Err(error) => {
            logging::last_words(&format!("error: {}", error_chain(&error)));
            error.exit_status()
        }
    };
    logging::flush();
    status
}

fn warn_of_variables() {
    for UnknownVariable { name, meant } in cli::misspelt(env::vars_os().map(|(name, _)| name)) {
        tracing::warn!("the variable {name} is unknown and has no effect; did you mean {meant}?");
    }
}
