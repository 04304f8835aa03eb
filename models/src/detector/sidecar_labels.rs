//! The key `labels` of a sidecar.

use std::path::PathBuf;

use serde::Deserialize;

/// The key `labels` as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "`labels` must be a list of names or the name of a text file")]
pub(super) enum SidecarLabels {
    List(Vec<String>),
    File(PathBuf),
}
