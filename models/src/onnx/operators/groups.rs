//! The attribute `group` of convolutions.

use super::OnnxNode;
use crate::onnx::context::Problem;

/// The number of groups, one unless the node says otherwise.
pub(super) fn groups_of(node: &OnnxNode<'_>) -> Result<usize, Problem> {
    let groups = node.attributes.integer_or("group", 1)?;
    usize::try_from(groups).map_err(|_| format!("{groups} groups make no sense"))
}
