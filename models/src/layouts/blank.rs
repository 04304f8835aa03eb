//! Which class of a recogniser of text is none of the characters.

use serde::Deserialize;

/// The class that stands for no character, or for the same as in the step before. The file does not show which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blank {
    /// Class 0; the characters follow.
    First,
    /// The class after all characters.
    Last,
}
