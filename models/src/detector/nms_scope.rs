//! Which boxes are rivals.

use serde::{Deserialize, Serialize};

/// Between which boxes that overlap only the best is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NmsScope {
    /// Those of one class: a person may well stand before a bus.
    #[default]
    PerClass,
    /// All: where one thing is, there is no other.
    ClassAgnostic,
}
