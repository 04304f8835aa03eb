//! The input tensor: one image or a batch of them.

use crate::config::MAX_BATCH;

/// Why an input tensor does not fit the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputTensorError {
    /// It is not an image, nor a batch of images.
    #[error(
        "its shape is {0:?}; expected [channels, height, width], with or without a batch axis in front"
    )]
    NoImage(Vec<usize>),
    /// It holds no image, or too many.
    #[error("its shape is {0:?}; expected 1 to {MAX_BATCH} images")]
    BatchSize(Vec<usize>),
    /// The model takes images of another shape.
    #[error("the model takes images of {expected:?}, not {found:?}")]
    OtherShape {
        /// The shape of the model's input.
        expected: Vec<usize>,
        /// The shape of an image in the file.
        found: [usize; 3],
    },
}

/// Number of images, and the shape `[channels, height, width]` of each.
pub(super) fn split_batch_axis(shape: &[usize]) -> Result<(usize, [usize; 3]), InputTensorError> {
    let (batch, image_shape) = match *shape {
        [channels, height, width] => (1, [channels, height, width]),
        [batch, channels, height, width] => (batch, [channels, height, width]),
        _ => return Err(InputTensorError::NoImage(shape.to_vec())),
    };
    if !(1..=MAX_BATCH).contains(&batch) || image_shape.contains(&0) {
        return Err(InputTensorError::BatchSize(shape.to_vec()));
    }
    Ok((batch, image_shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_batch_axis_is_optional() {
        assert_eq!(split_batch_axis(&[3, 4, 5]), Ok((1, [3, 4, 5])));
        assert_eq!(split_batch_axis(&[2, 3, 4, 5]), Ok((2, [3, 4, 5])));
        for wrong in [&[4, 5][..], &[0, 3, 4, 5], &[17, 3, 4, 5], &[1, 3, 0, 5]] {
            assert!(split_batch_axis(wrong).is_err(), "{wrong:?}");
        }
    }
}
