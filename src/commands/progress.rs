//! The progress bar of every command that has one.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with a message, on standard error; hidden unless that is a terminal.
pub(super) fn message_bar(length: u64) -> ProgressBar {
    bar(length, "{bar:24} {elapsed} {msg}", true)
}

/// A bar that counts frames, on standard error; hidden unless that is a terminal and it `helps`.
pub(super) fn frames_bar(frames: u64, helps: bool) -> ProgressBar {
    bar(frames, "{bar:40} {pos}/{len} frames, {per_sec}, {eta} left", helps)
}

/// A bar that counts bytes, on standard error; hidden unless that is a terminal.
pub(super) fn bytes_bar(bytes: Option<u64>) -> ProgressBar {
    bar(bytes.unwrap_or(0), "{bar:40} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left", true)
}

fn bar(length: u64, template: &str, helps: bool) -> ProgressBar {
    if !(helps && stderr().is_terminal()) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    ProgressBar::new(length).with_style(style)
}
