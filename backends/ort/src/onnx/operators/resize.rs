//! Resizing feature maps.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Coordinates, NearestRounding, Resize, ResizeMode, Value};

use super::super::attribute::{integers, text};
use super::super::writer::Writer;

pub(super) fn write(
    writer: &mut Writer<'_>,
    resize: &Resize,
    input: &Value,
    input_name: &str,
    output: &[String],
) {
    let coordinates = match resize.coordinates {
        Coordinates::HalfPixel => "half_pixel",
        Coordinates::PytorchHalfPixel => "pytorch_half_pixel",
        Coordinates::Asymmetric => "asymmetric",
        Coordinates::AlignCorners => "align_corners",
    };
    let mut attributes =
        vec![text("coordinate_transformation_mode", coordinates), integers("axes", &[2, 3])];
    match resize.mode {
        ResizeMode::Nearest(rounding) => {
            attributes.push(text("mode", "nearest"));
            attributes.push(text("nearest_mode", rounding_name(rounding)));
        }
        ResizeMode::Linear => attributes.push(text("mode", "linear")),
    }
    let absent = String::new;
    // Given factors, the runtime works out the size itself. Where it would arrive at a different size, the
    // node gives the size instead.
    let inputs = if sizes(&input.shape, resize.scale) == resize.size {
        let scale = writer.constant(HostTensor::from_f32([2], resize.scale.to_vec()));
        vec![input_name.to_owned(), absent(), scale]
    } else {
        let size = writer.integers(resize.size.iter().map(|extent| *extent as i64).collect());
        vec![input_name.to_owned(), absent(), absent(), size]
    };
    writer.node("Resize", &inputs, output, attributes);
}

fn sizes(input: &[usize], scale: [f32; 2]) -> [usize; 2] {
    [0, 1].map(|axis| (input[axis + 2] as f32 * scale[axis]) as usize)
}

fn rounding_name(rounding: NearestRounding) -> &'static str {
    match rounding {
        NearestRounding::RoundPreferFloor => "round_prefer_floor",
        NearestRounding::RoundPreferCeil => "round_prefer_ceil",
        NearestRounding::Floor => "floor",
        NearestRounding::Ceil => "ceil",
    }
}
