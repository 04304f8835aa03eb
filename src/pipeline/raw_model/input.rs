//! The input tensor: one image or a batch of them.

use framegate_models::onnx::ImageLayout;

use crate::pipeline::MAX_BATCH;

/// Why an input tensor does not fit the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputTensorError {
    /// It is not an image, nor a batch of images.
    #[error(
        "its shape is {0:?}; expected [channels, height, width], with or without a batch axis in front"
    )]
    NoImage(Vec<usize>),
    /// It holds no image, or too many.
    #[error("its shape is {0:?}; pass 1 to {MAX_BATCH} images at once")]
    BatchSize(Vec<usize>),
    /// Its images have no elements.
    #[error("its shape is {0:?}; an extent of an image is 0")]
    NoElements(Vec<usize>),
    /// The model takes images of another shape.
    #[error("the model takes images of {expected:?}, not {found:?}")]
    OtherShape {
        /// The shape of the model's input.
        expected: Vec<usize>,
        /// The shape of an image in the tensor.
        found: [usize; 3],
    },
    /// Its shape and its elements do not belong together.
    #[error("its shape is {shape:?}, but it has {elements} elements")]
    ElementCount {
        /// Its shape.
        shape: Vec<usize>,
        /// Number of its elements.
        elements: usize,
    },
}

/// Number of images, and the shape `[channels, height, width]` of each.
pub(super) fn split_batch_axis(shape: &[usize]) -> Result<(usize, [usize; 3]), InputTensorError> {
    let (batch, image_shape) = match *shape {
        [channels, height, width] => (1, [channels, height, width]),
        [batch, channels, height, width] => (batch, [channels, height, width]),
        _ => return Err(InputTensorError::NoImage(shape.to_vec())),
    };
    if !(1..=MAX_BATCH).contains(&batch) {
        return Err(InputTensorError::BatchSize(shape.to_vec()));
    }
    if image_shape.contains(&0) {
        return Err(InputTensorError::NoElements(shape.to_vec()));
    }
    Ok((batch, image_shape))
}

/// Images in the axes of the file as images `[3, height, width]`, which the graph takes whatever the file
/// has: channels in the last place are moved to the first, and a single one is repeated. Images that are
/// `[3, height, width]` already stay as they are.
pub(super) fn as_planes(
    image_shape: [usize; 3],
    elements: Vec<f32>,
    layout: ImageLayout,
) -> ([usize; 3], Vec<f32>) {
    let last = image_shape[2];
    let (shape, elements) = match layout.channels_last && image_shape[0] != 3 && last <= 3 {
        true => {
            let [height, width, channels] = image_shape;
            let mut planes = Vec::with_capacity(elements.len());
            for image in elements.chunks_exact(height * width * channels) {
                for channel in 0..channels {
                    planes.extend(image.iter().skip(channel).step_by(channels));
                }
            }
            ([channels, height, width], planes)
        }
        false => (image_shape, elements),
    };
    match shape {
        [1, height, width] if layout.is_grey => {
            let images = elements.chunks_exact(height * width);
            ([3, height, width], images.flat_map(|image| image.repeat(3)).collect())
        }
        shape => (shape, elements),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_in_the_axes_of_the_file_become_planes() {
        let layout = |channels_last, is_grey| ImageLayout {
            batch: Some(1),
            channels_last,
            is_grey,
            size: [None, None],
        };
        let pixels = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let planes = vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
        let colour = as_planes([1, 2, 3], pixels.clone(), layout(true, false));
        assert_eq!(colour, ([3, 1, 2], planes.clone()));
        assert_eq!(as_planes([3, 1, 2], planes.clone(), layout(true, false)).1, planes);
        let grey = as_planes([1, 1, 2], vec![1.0, 2.0], layout(false, true));
        assert_eq!(grey, ([3, 1, 2], vec![1.0, 2.0, 1.0, 2.0, 1.0, 2.0]));
        let two = as_planes([1, 2, 1], vec![1.0, 2.0, 3.0, 4.0], layout(true, true));
        assert_eq!(two.1, [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0]);
    }

    #[test]
    fn the_batch_axis_is_optional() {
        assert_eq!(split_batch_axis(&[3, 4, 5]), Ok((1, [3, 4, 5])));
        assert_eq!(split_batch_axis(&[2, 3, 4, 5]), Ok((2, [3, 4, 5])));
        for (wrong, words) in [
            (&[4, 5][..], "expected [channels, height, width]"),
            (&[0, 3, 4, 5], "pass 1 to 16 images"),
            (&[17, 3, 4, 5], "pass 1 to 16 images"),
            (&[1, 3, 0, 5], "an extent of an image is 0"),
        ] {
            let error = split_batch_axis(wrong).unwrap_err().to_string();
            assert!(error.contains(words), "{wrong:?}: {error}");
        }
    }
}
