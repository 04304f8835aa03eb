//! The second stage: a closer look at each box, in the frame as it was sent.

use serde::{Deserialize, Serialize};

/// A second stage, the key `second` of a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SecondStage {
    /// The boxes are codes, and what they say is read.
    Codes,
}
