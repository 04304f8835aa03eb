//! Environment variables that look like ones of ours, and are not: misspelt ones would be ignored in silence.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::{Command, CommandFactory};

use super::Cli;
use crate::nearest::nearest;

/// The prefixes of our variables. Variables of others may begin like the last two.
const PREFIXES: [&str; 3] = ["FRAMEGATE_", "STREAM_", "VIDEO_"];
/// Parts of the variables by which Kubernetes describes a service, which may be called `framegate`.
const OF_KUBERNETES: [&str; 3] = ["_SERVICE_", "_TCP", "_UDP"];

/// A variable that nothing reads.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownVariable {
    /// Its name.
    pub name: String,
    /// The one that was probably meant.
    pub meant: String,
}

/// The variables among these that look like misspelt ones of ours.
pub fn misspelt(names: impl IntoIterator<Item = OsString>) -> Vec<UnknownVariable> {
    let known = known(&Cli::command());
    let names = names.into_iter().filter_map(|name| name.into_string().ok());
    let unknown = names.filter(|name| !known.contains(name));
    unknown
        .filter_map(|name| Some(UnknownVariable { meant: meant(&name, &known)?, name }))
        .collect()
}

/// The variables of a command and those below it.
fn known(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env());
    let own = own.map(|name| name.to_string_lossy().into_owned());
    own.chain(command.get_subcommands().flat_map(known)).collect()
}

fn meant(name: &str, known: &BTreeSet<String>) -> Option<String> {
    if OF_KUBERNETES.iter().any(|part| name.contains(part)) {
        return None;
    }
    let prefix = PREFIXES.into_iter().find(|prefix| name.starts_with(prefix))?;
    let own = without_prefix(name);
    // FRAMEGATE_JOBS_DIR may mean VIDEO_JOBS_DIR, but VIDEO_DEVICE is hardly ours.
    let candidates =
        known.iter().filter(|other| prefix == PREFIXES[0] || other.starts_with(prefix));
    let candidates: Vec<&str> = candidates.map(|name| without_prefix(name)).collect();
    let near = nearest(own, &candidates)?;
    known.iter().find(|name| without_prefix(name) == near).cloned()
}

/// The part that distinguishes a variable from others of ours.
fn without_prefix(name: &str) -> &str {
    name.strip_prefix(PREFIXES[0]).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_are_misspelt_are_found() {
        for (name, meant) in [
            ("FRAMEGATE_BACKND", Some("FRAMEGATE_BACKEND")),
            ("FRAMEGATE_MAX_FRAME_AGE", Some("FRAMEGATE_MAX_FRAME_AGE_MS")),
            ("FRAMEGATE_JOBS_DIR", Some("VIDEO_JOBS_DIR")),
            ("FRAMEGATE_VIDEO_MAX_JOBS", Some("VIDEO_MAX_JOBS")),
            ("STREAM_MAX_SESSION", Some("STREAM_MAX_SESSIONS")),
            ("VIDEO_MAX_SIZE", Some("VIDEO_MAX_SIZE_MB")),
            ("FRAMEGATE_BACKEND", None),
            ("VIDEO_JOBS_DIR", None),
            // Those of others.
            ("FRAMEGATE_VERSION", None),
            ("FRAMEGATE_TEST_DATA", None),
            ("FRAMEGATE_STORAGE", None),
            ("FRAMEGATE_SERVICE_PORT", None),
            ("FRAMEGATE_PORT_8000_TCP_ADDR", None),
            ("VIDEO_DRIVER", None),
            ("VIDEO_CODEC", None),
            ("STREAM_URL", None),
            ("PATH", None),
        ] {
            let found = misspelt([name.into()]);
            let found: Vec<&str> = found.iter().map(|variable| variable.meant.as_str()).collect();
            assert_eq!(found, meant.into_iter().collect::<Vec<_>>(), "{name}");
        }
    }
}
