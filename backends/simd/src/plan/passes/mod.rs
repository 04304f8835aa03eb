//! Graph-to-graph passes: they rewrite what the kernels can do better in another form, and leave the
//! graph's meaning alone.
//!
//! The passes of the `models` crate serve every backend; these serve this one.

mod hoist;
mod shuffle;
mod space_to_depth;
mod split_images;

use framegate_backend_api::graph::Graph;

/// Runs every pass.
pub(super) fn run(graph: &Graph) -> Graph {
    split_images::split(shuffle::fold(hoist::hoist(space_to_depth::fold(graph))))
}
