//! The program `framegate`, in the interpreter's process.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs a command line, with the program's name in front, and returns the exit status. `command` starts the program
/// once more.
#[pyfunction]
pub(crate) fn run_program(py: Python<'_>, arguments: Vec<OsString>, command: Vec<OsString>) -> u8 {
    framegate::invocation::host(command, arguments.iter().skip(1).cloned().collect());
    py.detach(|| framegate::program::run(arguments))
}
