//! Facts that exporters leave in an ONNX file's metadata, under the keys Ultralytics uses: `names`,
//! `task`, `imgsz`. Each is read only where it is needed: a damaged entry does no harm if
//! something else overrides it.

use std::collections::BTreeMap;

use super::check_input_size;
use super::literal::{NamesError, parse_names};
use crate::Size;

/// Key and value pairs of an ONNX file.
pub(super) type Metadata = BTreeMap<String, String>;

/// The class names under `names`, by class number.
///
/// # Errors
/// [`NamesError`].
pub(super) fn names(metadata: &Metadata) -> Result<Option<Vec<String>>, NamesError> {
    metadata.get("names").map(|text| parse_names(text)).transpose()
}

/// What the model was trained for, under `task`: `detect`, `classify`, `segment`, `pose`, `obb`.
pub(super) fn task(metadata: &Metadata) -> Option<&str> {
    metadata.get("task").map(|task| task.trim())
}

/// The input size under `imgsz`: one number for a square, or `[height, width]`. Anything else
/// counts as no entry, because users can be asked for the size.
pub(super) fn image_size(metadata: &Metadata) -> Option<Size> {
    let text = metadata.get("imgsz")?.trim();
    let text = text.trim_matches(|bracket| "[]()".contains(bracket));
    let extents: Result<Vec<usize>, _> =
        text.split(',').map(|extent| extent.trim().parse()).collect();
    match extents.ok()?[..] {
        [side] => check_input_size(Size { width: side, height: side }).ok(),
        [height, width] => check_input_size(Size { width, height }).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_sizes_are_height_before_width() {
        let size = |text: &str| image_size(&Metadata::from([("imgsz".into(), text.into())]));
        assert_eq!(size("[384, 640]"), Some(Size { width: 640, height: 384 }));
        assert_eq!(size(" 640 "), Some(Size { width: 640, height: 640 }));
        assert_eq!(size("(320,320)"), Some(Size { width: 320, height: 320 }));
        for text in ["", "[640, 640, 3]", "[0, 640]", "auto", "-1", "[99999999999999999999]"] {
            assert_eq!(size(text), None, "{text}");
        }
        assert_eq!(image_size(&Metadata::new()), None);
    }
}
