//! Files that a model or its sidecar names: they lie in its own folder.

use std::path::{Component, Path};

/// Whether a relative path stays inside the folder that it starts from, on every system.
pub(crate) fn stays_inside(name: &str) -> bool {
    let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    !name.is_empty() && !name.contains('\\') && Path::new(name).components().all(is_inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_noticed() {
        for name in ["plates.onnx", "./second/plates.onnx"] {
            assert!(stays_inside(name), "{name}");
        }
        for name in ["", "/plates.onnx", "../plates.onnx", "second/../../plates.onnx", "a\\b.onnx"]
        {
            assert!(!stays_inside(name), "{name}");
        }
    }
}
