//! The problems of a configuration file's values: all of them, each with its line.

use super::{ConfigError, WatchConfig};
use crate::cli::{Command, ConfigFile, Problem, UsageError, sentence};
use crate::server::ServerOptions;

/// Every value of a file that is out of range, or does not fit another.
pub(crate) fn file_problems(file: &ConfigFile) -> Vec<Problem> {
    let mut all = problems(file, "serve");
    if file.has_sources() {
        for problem in problems(file, "watch") {
            if !all.contains(&problem) {
                all.push(problem);
            }
        }
    }
    all.sort_by_key(|problem| problem.line);
    all
}

/// The models that a file names, each with its options and its line.
///
/// # Errors
/// [`UsageError`] for a file that has problems.
pub(crate) fn served_by(file: &ConfigFile) -> Result<Option<ServerOptions>, UsageError> {
    Ok(match file.alone("serve")? {
        Command::Serve(raw) => (*raw).try_into().ok(),
        _ => None,
    })
}

/// Takes out what is wrong until nothing is.
fn problems(file: &ConfigFile, command: &str) -> Vec<Problem> {
    let mut rest = file.clone();
    let mut problems = Vec::new();
    loop {
        let error = match rest.alone(command) {
            Err(error) => {
                // What was taken out may be missing now.
                if problems.is_empty() {
                    problems.push(Problem { line: 1, message: sentence(&error.to_string()) });
                }
                return problems;
            }
            Ok(Command::Serve(raw)) => ServerOptions::try_from(*raw).err(),
            Ok(Command::Watch(raw)) => WatchConfig::try_from(*raw).err(),
            Ok(_) => None,
        };
        let Some(ConfigError { option, value, expected, table }) = error else { return problems };
        let message = format!("{option} {value}: {expected}");
        let (line, without) = rest.without_option(option, table);
        let is_default = without.is_none();
        // A default that does not fit the rest is a problem of the file, unless what would fit was taken out.
        if !is_default || problems.is_empty() {
            problems.push(Problem { line, message });
        }
        match without {
            Some(without) => rest = without,
            None => return problems,
        }
    }
}
