//! Framegate's own JSON file.
//!
//! ```json
//! {"a.jpg": {"objects": [{"label": "qr_code", "x": 12, "y": 30, "w": 200, "h": 198, "text": "A 7"}]},
//!  "b.jpg": {"objects": []}}
//! ```
//!
//! `text` is what a code says, where it is to be compared. `codes` is another name for `objects`; other keys are
//! ignored.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{GroundTruth, GroundTruthError, LabelledImage, LabelledObject, is_box, read_text};

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "codes")]
    objects: Vec<LabelledObject>,
}

pub(super) fn read(path: &Path, images: &Path) -> Result<GroundTruth, GroundTruthError> {
    let entries: BTreeMap<String, Entry> = serde_json::from_str(&read_text(path)?)
        .map_err(|source| GroundTruthError::Malformed { path: path.to_owned(), source })?;
    for (image, entry) in &entries {
        for (index, one) in entry.objects.iter().enumerate() {
            if !is_box([one.x, one.y, one.width, one.height]) {
                let place = format!("object {} of `{image}`", index + 1);
                let problem = format!(
                    "its box has {}x{} pixels; correct it, or remove it",
                    one.width, one.height
                );
                return Err(GroundTruthError::wrong(path, place, problem));
            }
        }
    }
    let image =
        |(name, entry): (String, Entry)| LabelledImage { name, size: None, objects: entry.objects };
    GroundTruth::new(path, images.to_owned(), entries.into_iter().map(image).collect())
}
