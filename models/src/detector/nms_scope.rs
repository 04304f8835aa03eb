//! Which boxes suppress each other.

use serde::{Deserialize, Serialize};

/// The boxes among which only the one with the highest score is kept where they overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NmsScope {
    /// Boxes of the same class: a person may well be in front of a bus.
    #[default]
    PerClass,
    /// All boxes: where one object is, there is no other.
    ClassAgnostic,
}
