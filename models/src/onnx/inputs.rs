//! Which input of a file is the image, and which have other values.

use std::collections::HashSet;

use framegate_backend_api::ElementType;
use framegate_onnx_proto::{DimensionProto, GraphProto, ValueInfoProto};

use super::error::OnnxError;
use super::image_layout::ImageLayout;
use super::other_inputs::{InputValues, is_obvious};
use super::tensor::DataType;

/// An input as the file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputDeclaration {
    /// Name in the file.
    pub name: String,
    /// Extent of each axis, `None` where the file leaves it open.
    pub dims: Vec<Option<usize>>,
    /// Names of the axes that the file leaves open, `None` where it has no name either.
    pub axis_names: Vec<Option<String>>,
    /// The type that its elements have in a graph.
    pub element_type: ElementType,
    /// The type that they have in the file, as ONNX calls it: `float`, `uint8`.
    pub data_type: &'static str,
}

/// The inputs that the graph reads.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    pub(super) image: InputDeclaration,
    pub(super) others: Vec<InputDeclaration>,
}

impl Inputs {
    /// Sorts the inputs of a file. Initialisers do not count, nor does what nothing reads.
    ///
    /// # Errors
    /// [`OnnxError::Input`] when it is not clear which is the image, and when `given` names an input
    /// that is not there.
    pub(super) fn of(
        graph: &GraphProto,
        initialisers: &HashSet<String>,
        reads: &HashSet<String>,
        given: &InputValues,
    ) -> Result<Self, OnnxError> {
        let is_input = |name: &str| !initialisers.contains(name);
        let declared = graph.input.iter().filter(|input| is_input(&input.name));
        let names: Vec<&str> = declared.clone().map(|input| input.name.as_str()).collect();
        if let Some(unknown) = given.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(OnnxError::Input(format!(
                "`inputs` in the sidecar gives a value for `{unknown}`, but the model has the inputs {}",
                names.join(", ")
            )));
        }
        let mut inputs = declared
            .filter(|input| reads.contains(&input.name))
            .map(declaration)
            .collect::<Result<Vec<_>, _>>()?;
        let index = image_among(&inputs, given)?;
        let image = inputs.remove(index);
        if image.element_type == ElementType::Bool {
            return Err(OnnxError::Input(format!(
                "input `{}` holds booleans; export the model with an input of numbers",
                image.name
            )));
        }
        Ok(Self { image, others: inputs })
    }
}

/// Names that exporters give the image where points or boxes have as many axes.
const IMAGE_NAMES: &[&str] = &["pixel_values", "images", "image"];

/// The position of the image: the only input, or the only one with the axes or the name of an image whose value is
/// not known otherwise.
fn image_among(inputs: &[InputDeclaration], given: &InputValues) -> Result<usize, OnnxError> {
    match inputs {
        [] => return Err(OnnxError::ConstantOutputs),
        [_] => return Ok(0),
        _ => {}
    }
    let candidates = |ranks: &[usize]| -> Vec<usize> {
        let is_candidate = |input: &InputDeclaration| {
            ranks.contains(&input.dims.len())
                && input.element_type != ElementType::Bool
                && !given.contains_key(&input.name)
                && !is_obvious(&input.name)
                && ImageLayout::of(input).is_ok()
        };
        (0..inputs.len()).filter(|index| is_candidate(&inputs[*index])).collect()
    };
    for ranks in [&[4][..], &[3], &[0]] {
        let named = |index: &&usize| IMAGE_NAMES.contains(&inputs[**index].name.as_str());
        match &candidates(ranks)[..] {
            [] => {}
            [index] => return Ok(*index),
            several => match several.iter().filter(named).collect::<Vec<_>>()[..] {
                [index] => return Ok(*index),
                _ => break,
            },
        }
    }
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    Err(OnnxError::Input(format!(
        "the model takes {} inputs ({}) and it is not clear which is the image; give the others values \
         in the sidecar: `inputs = {{ {} = [..] }}`",
        names.len(),
        names.join(", "),
        names[1]
    )))
}

fn declaration(input: &ValueInfoProto) -> Result<InputDeclaration, OnnxError> {
    let data_type = data_type_of(input)
        .map_err(|problem| OnnxError::Input(format!("input `{}`: {problem}", input.name)))?;
    Ok(InputDeclaration {
        name: input.name.clone(),
        dims: dims_of(input),
        axis_names: axis_names(input),
        element_type: data_type.element_type(),
        data_type: data_type.name(),
    })
}

/// The type of elements that a file declares for a value.
pub(super) fn data_type_of(value: &ValueInfoProto) -> Result<DataType, String> {
    let tensor = value.r#type.as_ref().and_then(|of| of.tensor_type.as_ref());
    DataType::from_number(tensor.map_or(0, |tensor| i64::from(tensor.elem_type)))
}

/// The extents that a file declares for a value; none if it says nothing.
pub(super) fn dims_of(value: &ValueInfoProto) -> Vec<Option<usize>> {
    let extent =
        |dim: &DimensionProto| usize::try_from(dim.dim_value?).ok().filter(|extent| *extent > 0);
    axes(value).map(extent).collect()
}

/// Name of each axis that a file leaves open and names.
pub(super) fn axis_names(value: &ValueInfoProto) -> Vec<Option<String>> {
    let name = |dim: &DimensionProto| dim.dim_param.clone().filter(|name| !name.is_empty());
    axes(value).map(name).collect()
}

fn axes(value: &ValueInfoProto) -> impl Iterator<Item = &DimensionProto> {
    let shape = value.r#type.as_ref().and_then(|of| of.tensor_type.as_ref()?.shape.as_ref());
    shape.into_iter().flat_map(|shape| &shape.dim)
}

/// Extents as text: `[1, 3, ?, ?]`.
pub(super) fn dims_text(dims: &[Option<usize>]) -> String {
    let extent = |dim: &Option<usize>| dim.map_or("?".to_owned(), |extent| extent.to_string());
    format!("[{}]", dims.iter().map(extent).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str, rank: usize) -> InputDeclaration {
        InputDeclaration {
            name: name.to_owned(),
            dims: vec![None; rank],
            axis_names: vec![None; rank],
            element_type: ElementType::F32,
            data_type: "float",
        }
    }

    #[test]
    fn points_with_the_axes_of_an_image_are_not_an_image() {
        let of = |names: [(&str, usize); 3]| {
            let inputs: Vec<InputDeclaration> = names.map(|(name, rank)| open(name, rank)).into();
            image_among(&inputs, &InputValues::new()).map_err(|error| error.to_string())
        };
        assert_eq!(of([("input_points", 4), ("pixel_values", 4), ("input_labels", 3)]), Ok(1));
        let message = of([("input_points", 4), ("image_embeddings", 4), ("input_labels", 3)]);
        assert!(message.unwrap_err().contains("not clear which is the image"));
        assert_eq!(of([("scale", 1), ("frame", 3), ("offset", 2)]), Ok(1));
    }
}
