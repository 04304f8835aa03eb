//! From the model's input to the frame.

use std::sync::Arc;

use framegate_models::layouts::Candidate;

use super::Detection;
use crate::stages::FrameTransform;

/// The candidate in frame pixels, clipped to the frame; `None` if it is entirely outside. `labels` has
/// one for the candidate's class.
pub(super) fn on_frame(
    candidate: &Candidate,
    placement: &FrameTransform,
    labels: &[Arc<str>],
) -> Option<Detection> {
    let Candidate { left, top, right, bottom, score, class_id } = *candidate;
    let (x, y) = (placement.frame_x(left), placement.frame_y(top));
    let (width, height) = (placement.frame_x(right) - x, placement.frame_y(bottom) - y);
    (width > 0.0 && height > 0.0).then(|| Detection {
        label: Arc::clone(&labels[class_id]),
        class_id,
        score,
        x,
        y,
        width,
        height,
    })
}
