//! Inputs besides the image: each gets a value that is known in advance, so that the graph needs only
//! the image.

use std::collections::BTreeMap;

use framegate_backend_api::{ElementType, HostTensor, TensorData};

use super::InputDeclaration;
use super::error::OnnxError;
use super::inputs::dims_text;
use crate::Size;

/// Larger values for inputs are not written by hand.
const MAX_ELEMENTS: usize = 1 << 26;

/// Values for inputs, by name.
pub type InputValues = BTreeMap<String, InputElements>;

/// The value of an input: its elements in row-major order, or one number for all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct InputElements {
    /// The elements.
    pub elements: Vec<f64>,
    /// The number of rows that they are given as, such as texts of as many tokens; `None` where they are one list.
    pub rows: Option<usize>,
}

impl From<Vec<f64>> for InputElements {
    fn from(elements: Vec<f64>) -> Self {
        Self { elements, rows: None }
    }
}

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
        let what = match takes_text(name) {
            true => format!(
                "write the texts to look for into the sidecar, as a row of numbers each that the model's \
                 tokenizer makes of them: `inputs = {{ {name} = [[..], [..]] }}`"
            ),
            false => format!("write its elements into the sidecar: `inputs = {{ {name} = [..] }}`"),
        };
        OnnxError::Input(format!("input `{name}` {} {problem}; {what}", dims_text(dims)))
    };
    let known = given.get(name).cloned().or_else(|| of_whole_texts(name, given));
    let InputElements { elements, rows } = known
        .or_else(|| obvious(name, size).map(InputElements::from))
        .ok_or_else(|| misfit("takes a value besides the image that Framegate does not know"))?;
    let shape = match rows {
        Some(rows) => rows_for(input, elements.len(), rows),
        None => shape_for(input, elements.len(), size),
    };
    let shape = shape.ok_or_else(|| {
        let rows = rows.map_or(String::new(), |rows| format!(" in {rows} rows"));
        misfit(&format!("cannot have {} elements{rows}", elements.len()))
    })?;
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

/// Whether an input takes texts, as numbers of tokens.
fn takes_text(name: &str) -> bool {
    matches!(name, "input_ids" | "text" | "tokens")
}

/// Further facts about texts that are not filled up with zeros: every token counts, and all belong to one
/// sentence.
fn of_whole_texts(name: &str, given: &InputValues) -> Option<InputElements> {
    let number = match name {
        "attention_mask" => 1.0,
        "token_type_ids" => 0.0,
        _ => return None,
    };
    let InputElements { elements, rows } = given.get("input_ids")?;
    let whole = elements.iter().all(|token| *token != 0.0);
    whole.then(|| InputElements { elements: vec![number; elements.len()], rows: *rows })
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

/// The shape of an input whose elements are given row by row.
fn rows_for(input: &InputDeclaration, elements: usize, rows: usize) -> Option<Vec<usize>> {
    let [outer @ .., before, last] = &input.dims[..] else { return None };
    let row = elements.checked_div(rows)?;
    let fits = |extent: &Option<usize>, wanted| extent.is_none_or(|extent| extent == wanted);
    let is_one = outer.iter().all(|extent| fits(extent, 1));
    let shape = [vec![1; outer.len()], vec![rows, row]].concat();
    (is_one && fits(before, rows) && fits(last, row) && (1..=MAX_ELEMENTS).contains(&elements))
        .then_some(shape)
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

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 8, height: 4 };

    fn tokens(name: &str, dims: &[Option<usize>]) -> InputDeclaration {
        InputDeclaration {
            name: name.to_owned(),
            dims: dims.to_vec(),
            axis_names: vec![None; dims.len()],
            element_type: ElementType::I64,
            data_type: "int64",
        }
    }

    fn rows(elements: &[f64], rows: usize) -> InputElements {
        InputElements { elements: elements.to_vec(), rows: Some(rows) }
    }

    #[test]
    fn texts_have_a_row_each() {
        let open = tokens("input_ids", &[None, None]);
        let given =
            |elements: &[f64]| InputValues::from([("input_ids".to_owned(), rows(elements, 2))]);
        let texts = given(&[7.0, 5.0, 9.0, 7.0, 6.0, 9.0]);
        let ids = value(&open, &texts, SIZE).unwrap();
        assert_eq!((ids.shape(), ids.as_i64().unwrap()), (&[2, 3][..], &[7, 5, 9, 7, 6, 9][..]));
        for (name, expected) in [("attention_mask", [1; 6]), ("token_type_ids", [0; 6])] {
            let mask = value(&tokens(name, &[None, None]), &texts, SIZE).unwrap();
            assert_eq!((mask.shape(), mask.as_i64().unwrap()), (&[2, 3][..], &expected[..]));
        }
        // A 0 may be a token or stand for none.
        let filled_up = given(&[7.0, 5.0, 9.0, 7.0, 9.0, 0.0]);
        let mask = tokens("attention_mask", &[None, None]);
        assert!(value(&mask, &filled_up, SIZE).unwrap_err().to_string().contains("attention_mask"));
        let fixed = tokens("input_ids", &[Some(1), Some(6)]);
        let message = value(&fixed, &texts, SIZE).unwrap_err().to_string();
        assert!(message.contains("6 elements in 2 rows"), "{message}");
    }

    #[test]
    fn what_texts_are_is_said() {
        let open = tokens("input_ids", &[None, None]);
        let message = value(&open, &InputValues::new(), SIZE).unwrap_err().to_string();
        for fragment in ["tokenizer", "`inputs = { input_ids = [[..], [..]] }`"] {
            assert!(message.contains(fragment), "{message}");
        }
    }
}
