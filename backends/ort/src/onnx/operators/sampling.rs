//! Reading feature maps between their elements.

use framegate_backend_api::graph::{GridSample, SampleMode, SamplePadding};

use super::super::attribute::{flag, text};
use super::super::writer::Writer;

pub(super) fn grid_sample(
    writer: &mut Writer<'_>,
    sample: GridSample,
    inputs: &[String],
    output: &[String],
) {
    let mode = match sample.mode {
        SampleMode::Nearest => "nearest",
        SampleMode::Linear => "linear",
        SampleMode::Cubic => "cubic",
    };
    let padding = match sample.padding {
        SamplePadding::Zeros => "zeros",
        SamplePadding::Border => "border",
        SamplePadding::Reflection => "reflection",
    };
    let attributes = vec![
        text("mode", mode),
        text("padding_mode", padding),
        flag("align_corners", sample.align_corners),
    ];
    writer.node("GridSample", inputs, output, attributes);
}
