//! What images have to look like for models that were trained alike.

use serde::{Deserialize, Deserializer, de};

use super::LAYOUTS;
use crate::image_input::{ChannelOrder, Fit, LetterboxAlign, ResizeFilter};

/// Value that YOLO models are trained with around a letterboxed image.
pub(crate) const YOLO_FILL: u8 = 114;

/// Models that were trained on images prepared in the same way, whatever the layout of their outputs.
#[derive(Debug, PartialEq)]
pub(crate) struct Family {
    /// What sidecars call it.
    pub(crate) name: &'static str,
    pub(crate) preprocessing: Preprocessing,
}

/// How a frame becomes a model's input, except for the size; the fields mean what they mean in
/// [`ImageInput`](crate::image_input::ImageInput).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Preprocessing {
    pub(crate) channel_order: ChannelOrder,
    pub(crate) mean: [f32; 3],
    pub(crate) scale: [f32; 3],
    pub(crate) fit: Fit,
    pub(crate) resize: ResizeFilter,
}

/// YOLOv5 and what came after it: `LetterBox` of Ultralytics, RGB from 0 to 1.
pub(super) const ULTRALYTICS: Family = Family {
    name: "ultralytics",
    preprocessing: Preprocessing {
        channel_order: ChannelOrder::Rgb,
        mean: [0.0; 3],
        scale: [1.0 / 255.0; 3],
        fit: Fit::Letterbox { placement: LetterboxAlign::Centre, fill: YOLO_FILL },
        resize: ResizeFilter::Bilinear,
    },
};

impl Family {
    /// The family of this name in sidecar files, if there is one.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        all().find(|family| family.name == name)
    }

    /// Reads the name of a family from a sidecar.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<&'static Self>, D::Error> {
        let name = String::deserialize(input)?;
        let Some(family) = Self::named(&name) else {
            let mut names: Vec<String> = all().map(|family| format!("`{}`", family.name)).collect();
            names.dedup();
            return Err(de::Error::custom(format!(
                "unknown family `{name}`; use one of {}",
                names.join(", ")
            )));
        };
        Ok(Some(family))
    }
}

/// The families of all layouts; one that several layouts share occurs more than once.
fn all() -> impl Iterator<Item = &'static Family> {
    LAYOUTS.iter().flat_map(|layout| layout.families().iter().copied())
}
