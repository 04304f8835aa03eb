//! From the model's input to the frame.

use std::sync::Arc;

use framegate_models::layouts::{Candidate, Keypoint};

use super::Detection;
use crate::FrameTransform;

/// The candidate in frame pixels, clipped to the frame; `None` if it is entirely outside. `labels` has
/// one for the candidate's class.
pub(super) fn on_frame(
    candidate: &Candidate,
    placement: &FrameTransform,
    labels: &[Arc<str>],
) -> Option<Detection> {
    let Candidate { left, top, right, bottom, score, class_id, angle, .. } = *candidate;
    let label = Arc::clone(&labels[class_id]);
    let Some(angle) = angle else {
        let (x, y) = (placement.frame_x(left), placement.frame_y(top));
        let (width, height) = (placement.frame_x(right) - x, placement.frame_y(bottom) - y);
        return (width > 0.0 && height > 0.0)
            .then(|| Detection::of_box(label, class_id, score, [x, y, width, height]));
    };
    let corners = rotated_corners(candidate, angle);
    let ends = |axis: usize| {
        let positions = corners.iter().map(|corner| corner[axis]);
        positions.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), position| {
            (low.min(position), high.max(position))
        })
    };
    let ((left, right), (top, bottom)) = (ends(0), ends(1));
    let (x, y) = (placement.frame_x(left), placement.frame_y(top));
    let (width, height) = (placement.frame_x(right) - x, placement.frame_y(bottom) - y);
    // Where both axes are scaled alike this is the angle itself.
    let (sin, cos) = angle.sin_cos();
    let on_frame = (sin * placement.vertical_scale).atan2(cos * placement.horizontal_scale);
    (width > 0.0 && height > 0.0).then(|| Detection {
        angle: Some(on_frame),
        corners: Some(corners.map(|[x, y]| placement.unclipped(x, y))),
        ..Detection::of_box(label, class_id, score, [x, y, width, height])
    })
}

/// Corners of a rotated box in input pixels, clockwise from its own top left one.
fn rotated_corners(candidate: &Candidate, angle: f32) -> [[f32; 2]; 4] {
    let Candidate { left, top, right, bottom, .. } = *candidate;
    let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
    let (half_width, half_height) = ((right - left) / 2.0, (bottom - top) / 2.0);
    let (sin, cos) = angle.sin_cos();
    [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(along, across)| {
        let (along, across) = (along * half_width, across * half_height);
        [centre[0] + along * cos - across * sin, centre[1] + along * sin + across * cos]
    })
}

/// A key point in frame pixels, clipped to the frame.
pub(super) fn point_on_frame(point: &Keypoint, placement: &FrameTransform) -> [f32; 3] {
    [placement.frame_x(point.x), placement.frame_y(point.y), point.score]
}

#[cfg(test)]
mod tests {
    use framegate_models::Size;
    use framegate_models::detector::{ChannelOrder, Fit, ImageInput, ResizeFilter};

    use super::*;

    fn stretched(frame: Size) -> FrameTransform {
        let input = ImageInput {
            width: 100,
            height: 100,
            channel_order: ChannelOrder::Rgb,
            mean: [0.0; 3],
            scale: [1.0; 3],
            fit: Fit::Stretch,
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
        };
        FrameTransform::of(frame, &input)
    }

    #[test]
    fn a_rotated_box_has_corners_an_angle_and_a_box_around_them() {
        let labels = ["ship".into()];
        let quarter = std::f32::consts::FRAC_PI_2;
        let box_ = Candidate::from_centre([50.0, 50.0, 40.0, 20.0], 0.9, 0).unwrap();
        let box_ = box_.rotated(quarter).unwrap();
        let twice = stretched(Size { width: 200, height: 200 });
        let found = on_frame(&box_, &twice, &labels).unwrap();
        for (got, expected) in
            [found.x, found.y, found.width, found.height].iter().zip([80.0, 60.0, 40.0, 80.0])
        {
            assert!((got - expected).abs() < 1e-3, "{found:?}");
        }
        assert!((found.angle.unwrap() - quarter).abs() < 1e-5);
        let expected = [[120.0, 60.0], [120.0, 140.0], [80.0, 140.0], [80.0, 60.0]];
        for (got, expected) in
            found.corners.unwrap().iter().flatten().zip(expected.iter().flatten())
        {
            assert!((got - expected).abs() < 1e-3, "{found:?}");
        }
        // Twice as wide, not as high: 45° become atan(1/2).
        let eighth = box_.rotated(quarter / 2.0).unwrap();
        let wide =
            on_frame(&eighth, &stretched(Size { width: 200, height: 100 }), &labels).unwrap();
        assert!((wide.angle.unwrap() - 0.5f32.atan()).abs() < 1e-5);
    }
}
