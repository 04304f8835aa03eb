//! Facts that exporters leave in an ONNX file's metadata, under the keys Ultralytics uses: `names`,
//! `task`, `imgsz`. Each is read only where it is needed: a damaged entry does no harm if
//! something else overrides it.

use std::collections::BTreeMap;

use super::check_input_size;
use super::literal::{NamesError, parse_names};
use crate::Size;
use crate::layouts::Family;
use crate::layouts::model_family::{self, ModelFamily};

/// Key and value pairs of an ONNX file.
pub(super) type Metadata = BTreeMap<String, String>;

/// The class names under `names`, by class number.
///
/// # Errors
/// [`NamesError`].
pub(super) fn names(metadata: &Metadata) -> Result<Option<Vec<String>>, NamesError> {
    metadata.get("names").map(|text| parse_names(text)).transpose()
}

/// The task that the model was trained for, under `task`: `detect`, `classify`, `segment`, `pose`, `obb`.
pub(super) fn task(metadata: &Metadata) -> Option<&str> {
    metadata.get("task").map(|task| task.trim())
}

/// The family whose images the model takes, by `model_family`.
pub(super) fn family(metadata: &Metadata) -> Option<&'static Family> {
    let text = |key| metadata.get(key).map(|text| text.trim());
    model_family::of(ModelFamily {
        name: text("model_family")?,
        letterbox_pad: text("letterbox_pad"),
        size: text("model_size"),
    })
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

/// Key points of each object and the numbers for each, under `kpt_shape`: `[17, 3]`.
pub(super) fn keypoints(metadata: &Metadata) -> Option<[usize; 2]> {
    let text = metadata.get("kpt_shape")?.trim();
    let text = text.trim_matches(|bracket| "[]()".contains(bracket));
    let (count, numbers) = text.split_once(',')?;
    let keypoints = [count.trim().parse().ok()?, numbers.trim().parse().ok()?];
    matches!(keypoints, [1..=1024, 2 | 3]).then_some(keypoints)
}

/// Whether the model is an RT-DETR: Ultralytics names it in the description.
pub(super) fn is_rtdetr(metadata: &Metadata) -> bool {
    let names = |key| {
        let text = metadata.get(key).map(|text| text.to_ascii_lowercase());
        text.is_some_and(|text| text.contains("rtdetr") || text.contains("rt-detr"))
    };
    names("description") || names("head") || names("model_type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_points_and_heads_are_read() {
        let of = |key: &str, text: &str| Metadata::from([(key.to_owned(), text.to_owned())]);
        assert_eq!(keypoints(&of("kpt_shape", "[17, 3]")), Some([17, 3]));
        for text in ["[17, 4]", "[0, 3]", "17", "", "[-1, 3]"] {
            assert_eq!(keypoints(&of("kpt_shape", text)), None, "{text}");
        }
        assert!(is_rtdetr(&of("description", "Ultralytics rtdetr-l model trained on coco.yaml")));
        assert!(!is_rtdetr(&of("description", "Ultralytics YOLO11n model")));
    }

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
