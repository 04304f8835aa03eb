//! A model as backends see it.

use std::collections::BTreeMap;

use crate::graph::Graph;

/// A model that has been read, folded and fused: ready for any backend.
#[derive(Debug, Clone)]
pub struct Model {
    /// The file's stem, for logs and results.
    pub name: String,
    /// What to compute.
    pub graph: Graph,
    /// Key and value pairs as they stood in the model file.
    pub metadata: BTreeMap<String, String>,
}
