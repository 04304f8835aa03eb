//! The model that backends load.

use std::collections::BTreeMap;

use crate::graph::Graph;

/// A model after import and optimisation: ready for any backend.
#[derive(Debug, Clone)]
pub struct Model {
    /// The file's stem, for logs and results.
    pub name: String,
    /// The computation.
    pub graph: Graph,
    /// Key and value pairs from the model file.
    pub metadata: BTreeMap<String, String>,
}
