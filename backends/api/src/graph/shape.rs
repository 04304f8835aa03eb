//! Infers the types and shapes of an operator's results.

use super::operands::{check_count, check_types};
use super::{
    AveragePool, AxisSlice, Convolution, Operator, Pad, Reduce, TopK, TransposedConvolution, Value,
    Window,
};
use crate::ElementType;

type Shape = Vec<usize>;
type Results = Vec<(ElementType, Shape)>;

/// Infers types and shapes of the results of `operator` from the types and shapes of its operands; nothing
/// else about the operands is looked at.
///
/// # Errors
/// An explanation of what does not fit.
pub fn infer(operator: &Operator, operands: &[&Value]) -> Result<Results, String> {
    check_count(operator, operands.len())?;
    check_types(operator, operands)?;
    let first = operands[0];
    let x = first.shape.as_slice();
    let shape = match operator {
        Operator::Convolution(convolution) => convolution_shape(convolution, operands)?,
        Operator::TransposedConvolution(convolution) => transposed_shape(convolution, operands)?,
        Operator::MaxPool(window) => pool_shape(window, [0, 0], x)?,
        Operator::AveragePool(AveragePool { window, overhang, .. }) => {
            pool_shape(window, *overhang, x)?
        }
        Operator::Resize(resize) => {
            let [n, c, _, _] = nchw(x)?;
            vec![n, c, resize.size[0], resize.size[1]]
        }
        Operator::GridSample(_) => grid_sample_shape(x, &operands[1].shape)?,
        Operator::RoiAlign(parameters) => {
            let [_, channels, _, _] = nchw(x)?;
            let (regions, images) = (&operands[1].shape, &operands[2].shape);
            let [count] = images[..] else { return Err(format!("{images:?} is not a list")) };
            if *regions != [count, 4] {
                return Err(format!("regions of shape {regions:?} do not fit images {images:?}"));
            }
            vec![count, channels, parameters.size[0], parameters.size[1]]
        }
        Operator::Activation(_) | Operator::Unary(_) | Operator::Cast(_) => x.to_vec(),
        Operator::Binary(_) => broadcast(x, &operands[1].shape)?,
        Operator::Where => broadcast(&broadcast(x, &operands[1].shape)?, &operands[2].shape)?,
        Operator::Concat { axis } => concat_shape(*axis, operands)?,
        Operator::Slice(slices) => slice_shape(slices, x)?,
        Operator::Gather { axis } => {
            check_not_empty(*axis, x)?;
            [&x[..*axis], &operands[1].shape, &x[axis + 1..]].concat()
        }
        Operator::GatherElements { axis } => {
            check_not_empty(*axis, x)?;
            let indices = &operands[1].shape;
            check_rank(x.len(), indices)?;
            if (0..x.len()).any(|other| other != *axis && indices[other] > x[other]) {
                return Err(format!("indices of shape {indices:?} reach beyond {x:?}"));
            }
            indices.clone()
        }
        Operator::Scatter(_) => {
            check_not_empty(0, x)?;
            let (indices, updates) = (&operands[1].shape, &operands[2].shape);
            if indices.len() != 1 || *updates != [indices, &x[1..]].concat() {
                return Err(format!("{updates:?} at {indices:?} do not fit {x:?}"));
            }
            x.to_vec()
        }
        Operator::Pad(pad) => pad_shape(pad, x)?,
        Operator::Reshape { shape } => {
            check_size(shape)?;
            if shape.iter().product::<usize>() != x.iter().product::<usize>() {
                return Err(format!("{x:?} cannot be reshaped to {shape:?}"));
            }
            shape.clone()
        }
        Operator::Transpose { permutation } => {
            let mut sorted = permutation.clone();
            sorted.sort_unstable();
            if !sorted.iter().copied().eq(0..x.len()) {
                return Err(format!("{permutation:?} is not a permutation of the axes of {x:?}"));
            }
            permutation.iter().map(|axis| x[*axis]).collect()
        }
        Operator::Expand { shape } => {
            if broadcast(x, shape)? != *shape {
                return Err(format!("{x:?} cannot be expanded to {shape:?}"));
            }
            shape.clone()
        }
        Operator::Tile { repeats } => {
            check_rank(x.len(), repeats)?;
            x.iter().zip(repeats).map(|(extent, count)| extent * count).collect()
        }
        Operator::MatMul => matmul_shape(x, &operands[1].shape)?,
        Operator::Softmax { axis } | Operator::CumulativeSum { axis, .. } => {
            check_axis(*axis, x)?;
            x.to_vec()
        }
        Operator::Reduce(reduce) => reduce_shape(reduce, x)?,
        Operator::ArgExtremum { axis, .. } => {
            check_not_empty(*axis, x)?;
            replaced(x, *axis, 1)
        }
        Operator::LayerNormalization { axis, .. } => {
            check_axis(*axis, x)?;
            for operand in &operands[1..] {
                if operand.shape != x[*axis..] {
                    return Err(format!("scale and bias must be {:?}", &x[*axis..]));
                }
            }
            x.to_vec()
        }
        Operator::TopK(TopK { axis, k, .. }) => {
            check_axis(*axis, x)?;
            if *k > x[*axis] {
                return Err(format!("cannot take {k} of the {} elements of an axis", x[*axis]));
            }
            replaced(x, *axis, *k)
        }
    };
    check_size(&shape)?;
    Ok(match operator {
        Operator::TopK(_) => {
            vec![(first.element_type, shape.clone()), (ElementType::I64, shape)]
        }
        _ => vec![(result_type(operator, operands), shape)],
    })
}

/// A shape with more elements than any device can hold is a mistake or an attack.
const MAX_ELEMENTS: usize = 1 << 31;

fn check_size(shape: &[usize]) -> Result<(), String> {
    // An axis without elements must not hide the extents of the others.
    let count = shape.iter().try_fold(1_usize, |count, extent| count.checked_mul((*extent).max(1)));
    match count {
        Some(1..=MAX_ELEMENTS) => Ok(()),
        _ => Err(format!("a result of shape {shape:?} is too large")),
    }
}

fn result_type(operator: &Operator, operands: &[&Value]) -> ElementType {
    match operator {
        Operator::Cast(to) => *to,
        Operator::Binary(binary) if binary.is_predicate() => ElementType::Bool,
        Operator::Where => operands[1].element_type,
        Operator::ArgExtremum { .. } => ElementType::I64,
        _ => operands[0].element_type,
    }
}

fn nchw(shape: &[usize]) -> Result<[usize; 4], String> {
    shape
        .try_into()
        .map_err(|_| format!("works on [batch, channels, height, width], got {shape:?}"))
}

fn check_axis(axis: usize, shape: &[usize]) -> Result<(), String> {
    if axis < shape.len() { Ok(()) } else { Err(format!("{shape:?} has no axis {axis}")) }
}

fn check_not_empty(axis: usize, shape: &[usize]) -> Result<(), String> {
    match shape.get(axis) {
        Some(0) => Err(format!("axis {axis} of {shape:?} has no elements to choose from")),
        _ => check_axis(axis, shape),
    }
}

fn check_rank(rank: usize, other: &[usize]) -> Result<(), String> {
    if other.len() == rank { Ok(()) } else { Err(format!("needs {rank} axes, got {other:?}")) }
}

fn replaced(shape: &[usize], axis: usize, extent: usize) -> Shape {
    let mut shape = shape.to_vec();
    shape[axis] = extent;
    shape
}

/// Number of windows of `kernel` taps along an axis of `extent` elements, padding included.
fn window_count(
    extent: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
) -> Result<usize, String> {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return Err("kernel, stride and dilation must be at least 1".to_owned());
    }
    let reach = dilation * (kernel - 1) + 1;
    extent
        .checked_sub(reach)
        .map(|rest| rest / stride + 1)
        .ok_or_else(|| format!("a window of {reach} does not fit into {extent} elements"))
}

fn convolution_shape(convolution: &Convolution, operands: &[&Value]) -> Result<Shape, String> {
    let Convolution { stride, dilation, padding, groups, .. } = convolution;
    let [n, c, height, width] = nchw(&operands[0].shape)?;
    let [filters, filter_channels, kernel_height, kernel_width] = nchw(&operands[1].shape)?;
    if *groups == 0 || filter_channels * groups != c || filters % groups != 0 {
        return Err(format!(
            "{filters} filters over {filter_channels} channels in {groups} groups do not fit {c} channels"
        ));
    }
    check_bias(operands.get(2), filters)?;
    Ok(vec![
        n,
        filters,
        window_count(height + padding.top + padding.bottom, kernel_height, stride[0], dilation[0])?,
        window_count(width + padding.left + padding.right, kernel_width, stride[1], dilation[1])?,
    ])
}

fn transposed_shape(
    convolution: &TransposedConvolution,
    operands: &[&Value],
) -> Result<Shape, String> {
    let TransposedConvolution { stride, dilation, padding, output_padding, groups, .. } =
        convolution;
    let [n, c, height, width] = nchw(&operands[0].shape)?;
    let [filter_channels, group_filters, kernel_height, kernel_width] = nchw(&operands[1].shape)?;
    if *groups == 0 || filter_channels != c || c % groups != 0 {
        return Err(format!(
            "{filter_channels} filters in {groups} groups do not fit {c} channels"
        ));
    }
    if [kernel_height, kernel_width, height, width].contains(&0) {
        return Err("kernel and input must not be empty".to_owned());
    }
    if [stride, dilation].into_iter().flatten().any(|step| *step == 0) {
        return Err("stride and dilation must be at least 1".to_owned());
    }
    check_bias(operands.get(2), group_filters * groups)?;
    let extent = |input: usize, kernel: usize, axis: usize, cut: usize| {
        let full = (input - 1) * stride[axis] + dilation[axis] * (kernel - 1) + 1;
        (full + output_padding[axis])
            .checked_sub(cut)
            .ok_or_else(|| "padding cuts off the whole result".to_owned())
    };
    Ok(vec![
        n,
        group_filters * groups,
        extent(height, kernel_height, 0, padding.top + padding.bottom)?,
        extent(width, kernel_width, 1, padding.left + padding.right)?,
    ])
}

fn check_bias(bias: Option<&&Value>, filters: usize) -> Result<(), String> {
    match bias {
        Some(bias) if bias.shape != [filters] => {
            Err(format!("bias must be [{filters}], got {:?}", bias.shape))
        }
        _ => Ok(()),
    }
}

fn pool_shape(window: &Window, overhang: [usize; 2], x: &[usize]) -> Result<Shape, String> {
    let [n, c, height, width] = nchw(x)?;
    let Window { kernel, stride, dilation, padding } = window;
    let rows = height + padding.top + padding.bottom + overhang[0];
    let columns = width + padding.left + padding.right + overhang[1];
    Ok(vec![
        n,
        c,
        window_count(rows, kernel[0], stride[0], dilation[0])?,
        window_count(columns, kernel[1], stride[1], dilation[1])?,
    ])
}

fn grid_sample_shape(x: &[usize], grid: &[usize]) -> Result<Shape, String> {
    let [n, c, _, _] = nchw(x)?;
    check_not_empty(2, x)?;
    check_not_empty(3, x)?;
    match *grid {
        [images, height, width, 2] if images == n => Ok(vec![n, c, height, width]),
        _ => Err(format!("a grid of shape {grid:?} does not fit {x:?}")),
    }
}

fn broadcast(a: &[usize], b: &[usize]) -> Result<Shape, String> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| match (extent(a, axis), extent(b, axis)) {
            (a, b) if a == b => Ok(a),
            (1, extent) | (extent, 1) => Ok(extent),
            _ => Err(format!("shapes {a:?} and {b:?} do not broadcast")),
        })
        .collect()
}

fn concat_shape(axis: usize, operands: &[&Value]) -> Result<Shape, String> {
    let first = &operands[0].shape;
    check_axis(axis, first)?;
    let mut total = 0;
    for operand in operands {
        check_rank(first.len(), &operand.shape)?;
        if replaced(&operand.shape, axis, 0) != replaced(first, axis, 0) {
            return Err(format!(
                "{:?} cannot be joined to {first:?} along axis {axis}",
                operand.shape
            ));
        }
        total += operand.shape[axis];
    }
    Ok(replaced(first, axis, total))
}

fn slice_shape(slices: &[AxisSlice], x: &[usize]) -> Result<Shape, String> {
    if slices.len() != x.len() {
        return Err(format!("needs {} slices, got {}", x.len(), slices.len()));
    }
    for (slice, extent) in slices.iter().zip(x) {
        let reach = isize::try_from(slice.len.saturating_sub(1)).ok();
        let reach = reach.and_then(|steps| slice.step.checked_mul(steps));
        let last = reach.and_then(|reach| slice.start.checked_add_signed(reach));
        let is_inside = slice.start < *extent && last.is_some_and(|last| last < *extent);
        if slice.len > 0 && !is_inside {
            return Err(format!("{slice:?} leaves an axis of {extent} elements"));
        }
    }
    Ok(slices.iter().map(|slice| slice.len).collect())
}

fn pad_shape(pad: &Pad, x: &[usize]) -> Result<Shape, String> {
    check_rank(x.len(), &pad.before)?;
    check_rank(x.len(), &pad.after)?;
    Ok(x.iter()
        .zip(pad.before.iter().zip(&pad.after))
        .map(|(extent, (before, after))| before + extent + after)
        .collect())
}

fn matmul_shape(a: &[usize], b: &[usize]) -> Result<Shape, String> {
    let ([.., rows, inner], [.., inner_of_b, columns]) = (a, b) else {
        return Err(format!("works on matrices, got {a:?} and {b:?}"));
    };
    if inner != inner_of_b {
        return Err(format!("{a:?} and {b:?} cannot be multiplied"));
    }
    let mut shape = broadcast(&a[..a.len() - 2], &b[..b.len() - 2])?;
    shape.extend([*rows, *columns]);
    Ok(shape)
}

fn reduce_shape(reduce: &Reduce, x: &[usize]) -> Result<Shape, String> {
    let ascending = reduce.axes.windows(2).all(|pair| pair[0] < pair[1]);
    if reduce.axes.is_empty() || !ascending || reduce.axes.iter().any(|axis| *axis >= x.len()) {
        return Err(format!("cannot reduce the axes {:?} of {x:?}", reduce.axes));
    }
    Ok(x.iter()
        .enumerate()
        .filter_map(|(axis, extent)| match reduce.axes.contains(&axis) {
            false => Some(*extent),
            true => reduce.keep_axes.then_some(1),
        })
        .collect())
}
