//! The promises of ARCHITECTURE.md about the sources, as far as reading them can show.
//!
//! Each rule is a function from sources to violations. It is called twice: on the tree, where it must find
//! nothing, and on a few lines that break it, where it must find them.

mod dependencies;
mod manifests;
mod module_paths;
mod modules;
mod source;
mod style;
mod unsafety;

use source::Source;

/// Asserts that a rule finds nothing in the tree.
#[track_caller]
fn assert_holds(rule: impl Fn(&[Source]) -> Vec<String>) {
    let violations = rule(source::workspace());
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// Asserts that a rule notices a file with this path and text.
#[track_caller]
fn assert_notices(rule: impl Fn(&[Source]) -> Vec<String>, path: &str, text: &str) {
    assert!(!rule(&[Source::new(path, text)]).is_empty(), "{path} was accepted:\n{text}");
}

/// Asserts that a rule has nothing against a file with this path and text.
#[track_caller]
fn assert_accepts(rule: impl Fn(&[Source]) -> Vec<String>, path: &str, text: &str) {
    let violations = rule(&[Source::new(path, text)]);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}
