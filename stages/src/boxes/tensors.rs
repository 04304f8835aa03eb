//! Outputs of a model as they are, for models without boxes.

use framegate_backend_api::{OutputBatch, OutputTensor};

use super::Tensor;

/// The most numbers of a frame that are reported, of all its outputs together.
pub const MAX_NUMBERS: usize = 16_384;

/// The outputs for image number `image` of a batch.
pub(super) fn tensors(outputs: &OutputBatch, image: usize) -> Vec<Tensor> {
    let mut left = MAX_NUMBERS;
    let tensor = |tensor: &OutputTensor| {
        let elements = tensor.image(image);
        let elements = &elements[..elements.len().min(left)];
        left -= elements.len();
        let number = |element: &f32| Some(*element).filter(|element| element.is_finite());
        let data = elements.iter().map(number).collect();
        Tensor { name: tensor.name.clone(), shape: tensor.image_shape.clone(), data }
    };
    outputs.tensors.iter().map(tensor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_outputs_are_cut_and_nan_is_null() {
        let tensor = |name: &str, data: Vec<f32>| OutputTensor {
            name: name.to_owned(),
            image_shape: vec![1, data.len()],
            data,
        };
        let outputs = OutputBatch {
            tensors: vec![
                tensor("a", vec![0.5, f32::NAN, f32::INFINITY]),
                tensor("b", vec![1.0; MAX_NUMBERS]),
                tensor("c", vec![1.0]),
            ],
        };
        let found = tensors(&outputs, 0);
        assert_eq!(found[0].data, [Some(0.5), None, None]);
        assert_eq!(
            (found[1].data.len(), &found[1].shape),
            (MAX_NUMBERS - 3, &vec![1, MAX_NUMBERS])
        );
        assert!(found[2].data.is_empty());
        let json = serde_json::to_string(&found[0]).unwrap();
        assert_eq!(json, r#"{"name":"a","shape":[1,3],"data":[0.5,null,null]}"#);
    }
}
