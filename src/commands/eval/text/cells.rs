//! Cells of tables, and places in lists.

use std::path::Path;

use crate::stages::Detection;

pub(super) fn name(file: &str) -> &str {
    Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or(file)
}

pub(super) fn described(found: &Detection) -> String {
    let place = place([found.x, found.y, found.width, found.height].map(f64::from));
    format!("{} {:.2} at {place}", found.label, found.score)
}

/// Left and top edge, width × height.
pub(super) fn place([x, y, width, height]: [f64; 4]) -> String {
    format!("{x:.0},{y:.0} {width:.0}x{height:.0}")
}

pub(super) fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"))
}
