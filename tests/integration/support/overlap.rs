//! How far two boxes are one.

use framegate::stages::Detection;

/// Left, top, width and height of a detection.
pub(crate) fn place(detection: &Detection) -> [f32; 4] {
    [detection.x, detection.y, detection.width, detection.height]
}

/// Intersection over union of two boxes, each left, top, width and height.
pub(crate) fn iou(a: [f32; 4], b: [f32; 4]) -> f32 {
    let shared = |axis: usize| {
        ((a[axis] + a[axis + 2]).min(b[axis] + b[axis + 2]) - a[axis].max(b[axis])).max(0.0)
    };
    let both = shared(0) * shared(1);
    both / (a[2] * a[3] + b[2] * b[3] - both)
}
