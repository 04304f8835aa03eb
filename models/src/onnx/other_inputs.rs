//! Inputs besides the image: each gets a value that is known in advance, so that the graph needs only
//! the image.

use std::collections::BTreeMap;

use framegate_backend_api::{ElementType, HostTensor, TensorData};

use super::InputDeclaration;
use super::error::OnnxError;
use crate::Size;

/// Larger values for inputs are not written by hand.
const MAX_ELEMENTS: usize = 1 << 26;

/// Values for inputs, by name: numbers in row-major order, or one number for all elements.
pub type InputValues = BTreeMap<String, Vec<f64>>;

/// The value of an input: given, or obvious from its name.
///
/// # Errors
/// [`OnnxError::Input`] when it is neither, or does not fit.
pub(super) fn value(
    input: &InputDeclaration,
    given: &InputValues,
    size: Size,
) -> Result<HostTensor, OnnxError> {
    let InputDeclaration { name, dims, .. } = input;
    let misfit = |problem: &str| {
        let shape: Vec<String> =
            dims.iter().map(|extent| extent.map_or("?".to_owned(), |it| it.to_string())).collect();
        OnnxError::Input(format!(
            "input `{name}` [{}] {problem}; write its elements into the sidecar: \
             `inputs = {{ {name} = [..] }}`",
            shape.join(", ")
        ))
    };
    let elements =
        given.get(name).cloned().or_else(|| obvious(name, size)).ok_or_else(|| {
            misfit("takes a value besides the image that Framegate does not know")
        })?;
    let shape = shape_for(input, elements.len(), size)
        .ok_or_else(|| misfit(&format!("cannot have {} elements", elements.len())))?;
    let count = shape.iter().product();
    let elements = match elements[..] {
        [one] => vec![one; count],
        _ => elements,
    };
    Ok(HostTensor::new(
        shape,
        match input.element_type {
            ElementType::F32 => TensorData::F32(elements.iter().map(|x| *x as f32).collect()),
            ElementType::I64 => TensorData::I64(elements.iter().map(|x| *x as i64).collect()),
            ElementType::Bool => TensorData::Bool(elements.iter().map(|x| *x != 0.0).collect()),
        },
    ))
}

/// Whether the name alone says which value an input should have.
pub(super) fn is_obvious(name: &str) -> bool {
    obvious(name, Size { width: 1, height: 1 }).is_some()
}

/// The elements of inputs that common exporters add. The image is taken to be as large as the model's
/// input, so that boxes come in the units of the input.
fn obvious(name: &str, Size { width, height }: Size) -> Option<Vec<f64>> {
    let (width, height) = (width as f64, height as f64);
    Some(match name.to_ascii_lowercase().as_str() {
        // RT-DETR, D-FINE and DEIM, exported by their own tools.
        "orig_target_sizes" | "orig_size" => vec![width, height],
        // PaddleDetection.
        "scale_factor" => vec![1.0, 1.0],
        "im_shape" | "image_shape" | "target_sizes" => vec![height, width],
        "im_info" => vec![height, width, 1.0],
        // Transformers: which pixels belong to the image.
        "pixel_mask" => vec![1.0],
        "iou_threshold" | "nms_threshold" | "iou_thres" => vec![0.45],
        "score_threshold" | "conf_threshold" | "confidence_threshold" | "conf_thres" => vec![0.25],
        "max_output_boxes_per_class" | "max_detections" | "topk" => vec![300.0],
        _ => return None,
    })
}

/// The shape of an input with this number of elements. An axis that the file leaves open is 1, or of the
/// image's size where the name of the axis or its place says so.
fn shape_for(input: &InputDeclaration, elements: usize, size: Size) -> Option<Vec<usize>> {
    let dims = &input.dims;
    let is_mask = input.name.eq_ignore_ascii_case("pixel_mask") && dims.len() >= 2;
    let mut shape: Vec<usize> = dims.iter().map(|extent| extent.unwrap_or(1)).collect();
    if is_mask {
        let rank = shape.len();
        shape[rank - 2] = dims[rank - 2].unwrap_or(size.height);
        shape[rank - 1] = dims[rank - 1].unwrap_or(size.width);
    }
    let count = |shape: &[usize]| {
        let count = shape.iter().try_fold(1_usize, |count, extent| count.checked_mul(*extent));
        count.filter(|count| (1..=MAX_ELEMENTS).contains(count))
    };
    if count(&shape)? == elements {
        return Some(shape);
    }
    // The last open axis takes what the others leave.
    if !is_mask
        && elements > 1
        && let Some(open) = dims.iter().rposition(Option::is_none)
    {
        let rest = count(&shape)?;
        shape[open] = elements.checked_div(rest)?;
        return (count(&shape)? == elements).then_some(shape);
    }
    // A batch that the file fixes: the first entry is for the one image.
    (elements == 1).then_some(shape)
}
