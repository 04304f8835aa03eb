//! The executable `framegate`.

use std::env::args_os;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(framegate::program::run(args_os()))
}
