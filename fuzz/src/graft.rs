//! A model of any inputs made into one that takes an image, so that its operators are reached.

use framegate_onnx_proto::{DimensionProto, ModelProto, TensorProto, ValueInfoProto};

use crate::{FLOAT, add_mean, mean_of_images, value};

/// Largest input that is made a constant, in elements.
const LARGEST: usize = 4096;

/// Where the model's own inputs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// Constants: everything that depends on them alone is computed while the file is read.
    Constant,
    /// Values that depend on the image, where they are floats: nothing is.
    Computed,
}

/// Replaces the inputs by one image, `[1, 3, side, side]`. `false` if an input has no fixed small shape.
pub fn onto_image(model: &mut ModelProto, side: usize, inputs: Inputs) -> bool {
    let Some(graph) = &mut model.graph else { return false };
    let image = [1, 3, side, side].map(|extent| DimensionProto::fixed(extent as i64));
    let originals = std::mem::replace(&mut graph.input, vec![value("images", image.to_vec())]);
    let mut nodes = vec![mean_of_images()];
    for original in originals {
        if graph.initializer.iter().any(|tensor| tensor.name == original.name) {
            continue;
        }
        let Some(mut constant) = constant(&original) else { return false };
        if constant.data_type == FLOAT && inputs == Inputs::Computed {
            constant.name.push_str("_constant");
            nodes.push(add_mean(&constant.name, &original.name));
        }
        graph.initializer.push(constant);
    }
    nodes.append(&mut graph.node);
    graph.node = nodes;
    true
}

/// A constant of the input's name, type and shape.
fn constant(input: &ValueInfoProto) -> Option<TensorProto> {
    let of = input.r#type.as_ref()?.tensor_type.as_ref()?;
    let dims: Option<Vec<i64>> = of.shape.as_ref()?.dim.iter().map(|dim| dim.dim_value).collect();
    let dims = dims?;
    let count = dims.iter().try_fold(1_usize, |count, extent| {
        count.checked_mul(usize::try_from(*extent).ok()?).filter(|count| *count <= LARGEST)
    })?;
    let ramp = (0..count).map(|index| index as i32 % 5 - 1);
    let mut tensor = TensorProto {
        dims,
        data_type: of.elem_type,
        name: input.name.clone(),
        ..TensorProto::default()
    };
    match of.elem_type {
        FLOAT => tensor.float_data = ramp.map(|number| number as f32).collect(),
        7 => tensor.int64_data = ramp.map(i64::from).collect(),
        11 => tensor.double_data = ramp.map(f64::from).collect(),
        12 => tensor.uint64_data = ramp.map(|number| number.unsigned_abs().into()).collect(),
        _ => tensor.int32_data = ramp.collect(),
    }
    Some(tensor)
}
