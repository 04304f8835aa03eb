//! The command that repeats a measurement.

use std::env;

use crate::invocation;

/// The command that started this process, quoted for a shell; the program without its path. Options set
/// by environment variables come first.
pub(crate) fn command_line() -> String {
    let mut variables: Vec<(String, String)> =
        env::vars().filter(|(name, _)| name.starts_with("FRAMEGATE_")).collect();
    variables.sort();
    let variables = variables.into_iter().map(|(name, value)| format!("{name}={}", quoted(&value)));
    let arguments = invocation::arguments();
    let arguments = arguments.iter().map(|argument| quoted(&argument.to_string_lossy()));
    let program = ["framegate".to_owned()];
    variables.chain(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(is_safe) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_restores_the_argument() {
        for (argument, expected) in [
            ("--fps=2.5", "--fps=2.5"),
            ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000"),
            ("my photos", "'my photos'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(argument), expected);
        }
    }
}
