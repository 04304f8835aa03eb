//! Reading feature maps between their elements.

use framegate_backend_api::graph::{GridSample, RoiAlign, RoiPooling, SampleMode, SamplePadding};

use super::super::attribute::{flag, float, integer, text};
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

pub(super) fn roi_align(
    writer: &mut Writer<'_>,
    parameters: RoiAlign,
    inputs: &[String],
    output: &[String],
) {
    let RoiAlign { size: [height, width], scale, samples, half_pixel, pooling } = parameters;
    let mode = match pooling {
        RoiPooling::Mean => "avg",
        RoiPooling::Max => "max",
    };
    let coordinates = if half_pixel { "half_pixel" } else { "output_half_pixel" };
    let attributes = vec![
        integer("output_height", height),
        integer("output_width", width),
        float("spatial_scale", scale),
        integer("sampling_ratio", samples),
        text("coordinate_transformation_mode", coordinates),
        text("mode", mode),
    ];
    writer.node("RoiAlign", inputs, output, attributes);
}
