//! Needed by several subjects.

pub(crate) mod backends;
pub(crate) mod client;
pub(crate) mod colours;
#[cfg(feature = "fetch")]
pub(crate) mod files;
pub(crate) mod images;
pub(crate) mod jpeg;
pub(crate) mod overlap;
pub(crate) mod program;
pub(crate) mod raw;
pub(crate) mod reference;
pub(crate) mod server;
pub(crate) mod serving;
#[cfg(feature = "codes")]
pub(crate) mod symbols;
pub(crate) mod tally;
pub(crate) mod video;

use std::env;
use std::path::{Path, PathBuf};

use framegate_models::detector::{ChannelOrder, Fit, ImageInput, LetterboxAlign, ResizeFilter};

/// The folder of test data: `FRAMEGATE_TEST_DATA`, by default `../shared`, relative to the workspace.
/// Where it is absent this says so and the test should return; it panics instead if
/// `FRAMEGATE_REQUIRE_TEST_DATA` is 1.
pub(crate) fn test_data() -> Option<PathBuf> {
    let folder = env::var_os("FRAMEGATE_TEST_DATA").unwrap_or_else(|| "../shared".into());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = env::var_os("FRAMEGATE_REQUIRE_TEST_DATA").is_some_and(|value| value == "1");
    assert!(!required, "no test data: set FRAMEGATE_TEST_DATA to its folder");
    eprintln!("skipped: no test data; set FRAMEGATE_TEST_DATA to its folder");
    None
}

/// Preprocessing of YOLOX, at any size.
pub(crate) fn yolox_input(width: usize, height: usize) -> ImageInput {
    ImageInput {
        width,
        height,
        channel_order: ChannelOrder::Bgr,
        mean: [0.0; 3],
        scale: [1.0; 3],
        fit: Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 114 },
        resize: ResizeFilter::Bilinear,
        decode_scale: None,
    }
}

/// Room for one image in a batch, full of what no stage writes.
pub(crate) fn dirty_slot(input: &ImageInput) -> Vec<f32> {
    vec![f32::NAN; 3 * input.height * input.width]
}
