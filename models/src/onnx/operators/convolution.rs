//! `Conv` and `ConvTranspose`.

use framegate_backend_api::graph::{
    Convolution, Operator, Padding, TransposedConvolution, ValueId,
};

use super::groups::groups_of;
use super::{Import, Imported, OnnxNode, volume};
use crate::onnx::context::{Problem, extents_of};

pub(super) fn conv(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x, weight) = (node.operand(0)?, node.operand(1)?);
    Ok(vec![conv_of(graph, node, x, weight, node.optional(2))?])
}

/// A convolution with a node's attributes, on a line, on a feature map or on a volume.
pub(super) fn conv_of(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
    weight: ValueId,
    bias: Option<ValueId>,
) -> Result<ValueId, Problem> {
    if graph.shape(x).len() == 5 {
        return volume::conv(graph, node, x, weight, bias);
    }
    let Raised { feature_map: x, was_line } = raised(graph, x)?;
    let weight = raised(graph, weight)?.feature_map;
    let kernel = spatial_extent(graph, weight)?;
    let geometry = Geometry::of(node)?;
    let input = spatial_extent(graph, x)?;
    let convolution = Convolution {
        padding: geometry.padding(node, input, kernel)?,
        stride: geometry.stride,
        dilation: geometry.dilation,
        groups: groups_of(node)?,
        activation: None,
    };
    let operands: Vec<ValueId> = [x, weight].into_iter().chain(bias).collect();
    let result = graph.emit(Operator::Convolution(convolution), &operands)?;
    lowered(graph, result, was_line)
}

/// A feature map, which was `[N, C, L]` in the file if it is a line.
pub(super) struct Raised {
    pub(super) feature_map: ValueId,
    pub(super) was_line: bool,
}

/// Makes `[N, C, L]` a feature map of one row.
pub(super) fn raised(graph: &mut Import, id: ValueId) -> Result<Raised, Problem> {
    let [batch, channels, length] = graph.shape(id)[..] else {
        return Ok(Raised { feature_map: id, was_line: false });
    };
    let shape = vec![batch, channels, 1, length];
    let feature_map = graph.emit(Operator::Reshape { shape }, &[id])?;
    Ok(Raised { feature_map, was_line: true })
}

/// Turns a feature map of one row back into a line.
pub(super) fn lowered(graph: &mut Import, id: ValueId, to_line: bool) -> Result<ValueId, Problem> {
    let mut shape = graph.shape(id);
    if !to_line || shape.len() != 4 {
        return Ok(id);
    }
    shape.remove(2);
    graph.emit(Operator::Reshape { shape }, &[id])
}

pub(super) fn conv_transpose(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let Raised { feature_map: x, was_line } = raised(graph, node.operand(0)?)?;
    let weight = raised(graph, node.operand(1)?)?.feature_map;
    let kernel = spatial_extent(graph, weight)?;
    let geometry = Geometry::of(node)?;
    let input = spatial_extent(graph, x)?;
    let output_padding = pair_attribute(node, "output_padding", 0)?;
    let (padding, output_padding) =
        geometry.transposed_padding(node, input, kernel, output_padding)?;
    let convolution = TransposedConvolution {
        padding,
        stride: geometry.stride,
        dilation: geometry.dilation,
        output_padding,
        groups: groups_of(node)?,
        activation: None,
    };
    let operands: Vec<ValueId> = [x, weight].into_iter().chain(node.optional(2)).collect();
    let result = graph.emit(Operator::TransposedConvolution(convolution), &operands)?;
    Ok(vec![lowered(graph, result, was_line)?])
}

/// Height and width of a tensor of four axes.
pub(super) fn spatial_extent(graph: &Import, id: ValueId) -> Result<[usize; 2], Problem> {
    match graph.shape(id)[..] {
        [_, _, height, width] => Ok([height, width]),
        ref shape => Err(format!("only two-dimensional feature maps are supported, got {shape:?}")),
    }
}

/// An attribute with one number for the vertical and one for the horizontal direction. On a line there is
/// only the latter.
pub(super) fn pair_attribute(
    node: &OnnxNode<'_>,
    name: &str,
    default: usize,
) -> Result<[usize; 2], Problem> {
    let Some(integers) = node.attributes.integers(name)? else {
        return Ok([default; 2]);
    };
    match extents_of(&integers, name)?[..] {
        [along] => Ok([default, along]),
        [down, across] => Ok([down, across]),
        _ => Err(format!("attribute `{name}` must hold two numbers, got {integers:?}")),
    }
}

/// How a window moves over a feature map.
pub(super) struct Geometry {
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
}

impl Geometry {
    pub(super) fn of(node: &OnnxNode<'_>) -> Result<Self, Problem> {
        let geometry = Self {
            stride: pair_attribute(node, "strides", 1)?,
            dilation: pair_attribute(node, "dilations", 1)?,
        };
        if geometry.stride.contains(&0) || geometry.dilation.contains(&0) {
            return Err("strides and dilations must be at least 1".to_owned());
        }
        Ok(geometry)
    }

    /// Extent of the feature map under a dilated kernel.
    pub(super) fn reach(&self, kernel: [usize; 2], axis: usize) -> usize {
        self.dilation[axis] * kernel[axis].saturating_sub(1) + 1
    }

    /// Padding of a window operator: explicit, or computed from `auto_pad`.
    pub(super) fn padding(
        &self,
        node: &OnnxNode<'_>,
        input: [usize; 2],
        kernel: [usize; 2],
    ) -> Result<Padding, Problem> {
        let total = |axis: usize| {
            let windows = input[axis].div_ceil(self.stride[axis]).max(1);
            ((windows - 1) * self.stride[axis] + self.reach(kernel, axis))
                .saturating_sub(input[axis])
        };
        match node.attributes.text_or("auto_pad", "NOTSET")?.as_str() {
            "NOTSET" => explicit_padding(node),
            "VALID" => Ok(Padding::default()),
            "SAME_UPPER" => Ok(split_padding([total(0), total(1)], Larger::After)),
            "SAME_LOWER" => Ok(split_padding([total(0), total(1)], Larger::Before)),
            other => Err(format!("auto_pad `{other}` is not known")),
        }
    }

    /// What a transposed convolution cuts off and adds at the end; `output_shape` overrides everything
    /// else.
    fn transposed_padding(
        &self,
        node: &OnnxNode<'_>,
        input: [usize; 2],
        kernel: [usize; 2],
        mut output_padding: [usize; 2],
    ) -> Result<(Padding, [usize; 2]), Problem> {
        let auto_pad = node.attributes.text_or("auto_pad", "NOTSET")?;
        let output = match node.attributes.integers("output_shape")? {
            Some(shape) => Some(extents_of(&shape, "output_shape")?),
            None if auto_pad.starts_with("SAME") => {
                Some(vec![input[0] * self.stride[0], input[1] * self.stride[1]])
            }
            None => None,
        };
        let Some(output) = output else {
            let explicit = auto_pad != "VALID";
            let padding = if explicit { explicit_padding(node)? } else { Padding::default() };
            return Ok((padding, output_padding));
        };
        let (height, width) = match output[..] {
            [width] => (1, width),
            [.., height, width] => (height, width),
            [] => return Err("output_shape must hold height and width".to_owned()),
        };
        let mut cut = [0, 0];
        for (axis, wanted) in [height, width].into_iter().enumerate() {
            let full = input[axis].saturating_sub(1) * self.stride[axis]
                + self.reach(kernel, axis)
                + output_padding[axis];
            cut[axis] = full.saturating_sub(wanted);
            output_padding[axis] += wanted.saturating_sub(full);
        }
        let larger = if auto_pad == "SAME_UPPER" { Larger::After } else { Larger::Before };
        Ok((split_padding(cut, larger), output_padding))
    }
}

fn explicit_padding(node: &OnnxNode<'_>) -> Result<Padding, Problem> {
    let Some(pads) = node.attributes.integers("pads")? else {
        return Ok(Padding::default());
    };
    match extents_of(&pads, "pads")?[..] {
        [left, right] => Ok(Padding { left, right, ..Padding::default() }),
        [top, left, bottom, right] => Ok(Padding { top, left, bottom, right }),
        _ => Err(format!("attribute `pads` must hold four numbers, got {pads:?}")),
    }
}

/// Where the odd row or column of automatic padding goes.
#[derive(Clone, Copy, PartialEq)]
enum Larger {
    Before,
    After,
}

fn split_padding([vertical, horizontal]: [usize; 2], larger: Larger) -> Padding {
    let before = |total: usize| match larger {
        Larger::Before => total.div_ceil(2),
        Larger::After => total / 2,
    };
    Padding {
        top: before(vertical),
        left: before(horizontal),
        bottom: vertical - before(vertical),
        right: horizontal - before(horizontal),
    }
}
