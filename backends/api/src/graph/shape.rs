//! Infers the types and shapes of an operator's results.

use super::operands::{check_count, check_types};
use super::{
    AveragePool, AxisSlice, Convolution, Misfit, Operator, Pad, Reduce, TopK,
    TransposedConvolution, Value, Window,
};
use crate::ElementType;

type Shape = Vec<usize>;
type Results = Vec<(ElementType, Shape)>;

/// Infers types and shapes of the results of `operator` from the types and shapes of its operands; nothing
/// else about the operands is looked at.
///
/// # Errors
/// [`Misfit`] if the operands do not fit.
pub fn infer(operator: &Operator, operands: &[&Value]) -> Result<Results, Misfit> {
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
            let [count] = images[..] else {
                return Err(Misfit::Rank { needed: 1, got: images.clone() });
            };
            if *regions != [count, 4] {
                return Err(Misfit::pair(regions, "(regions) do not fit images", images));
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
                return Err(Misfit::pair(indices, "(indices) reach beyond", x));
            }
            indices.clone()
        }
        Operator::Scatter(_) => {
            check_not_empty(0, x)?;
            let (indices, updates) = (&operands[1].shape, &operands[2].shape);
            if indices.len() != 1 || *updates != [indices, &x[1..]].concat() {
                return Err(Misfit::pair(updates, "(updates) do not fit", x));
            }
            x.to_vec()
        }
        Operator::Pad(pad) => pad_shape(pad, x)?,
        Operator::Reshape { shape } => {
            check_size(shape)?;
            if shape.iter().product::<usize>() != x.iter().product::<usize>() {
                return Err(Misfit::pair(x, "cannot be reshaped to", shape));
            }
            shape.clone()
        }
        Operator::Transpose { permutation } => {
            let mut sorted = permutation.clone();
            sorted.sort_unstable();
            if !sorted.iter().copied().eq(0..x.len()) {
                return Err(Misfit::Permutation {
                    permutation: permutation.clone(),
                    shape: x.to_vec(),
                });
            }
            permutation.iter().map(|axis| x[*axis]).collect()
        }
        Operator::Expand { shape } => {
            if broadcast(x, shape)? != *shape {
                return Err(Misfit::pair(x, "cannot be expanded to", shape));
            }
            shape.clone()
        }
        Operator::Tile { repeats } => {
            check_rank(x.len(), repeats)?;
            x.iter().zip(repeats).map(|(extent, count)| extent.saturating_mul(*count)).collect()
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
                    return Err(Misfit::pair(
                        &operand.shape,
                        "(scale or bias) is not",
                        &x[*axis..],
                    ));
                }
            }
            x.to_vec()
        }
        Operator::NonZero => vec![x.iter().product()],
        Operator::NonMaxSuppression(suppression) => {
            let scores = &operands[1].shape;
            match (x, &scores[..]) {
                ([n, boxes, 4], [images, classes, scored]) if n == images && boxes == scored => {
                    vec![n * classes * suppression.kept_of(*boxes), 3]
                }
                _ => return Err(Misfit::pair(x, "(boxes) do not fit scores", scores)),
            }
        }
        Operator::TopK(TopK { axis, k, .. }) => {
            check_axis(*axis, x)?;
            if *k > x[*axis] {
                return Err(Misfit::TooFew { wanted: *k, extent: x[*axis] });
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

fn check_size(shape: &[usize]) -> Result<(), Misfit> {
    // An axis without elements must not hide the extents of the others.
    let count = shape.iter().try_fold(1_usize, |count, extent| count.checked_mul((*extent).max(1)));
    match count {
        Some(1..=MAX_ELEMENTS) => Ok(()),
        _ => Err(Misfit::TooLarge(shape.to_vec())),
    }
}

fn result_type(operator: &Operator, operands: &[&Value]) -> ElementType {
    match operator {
        Operator::Cast(to) => *to,
        Operator::Binary(binary) if binary.is_predicate() => ElementType::Bool,
        Operator::Where => operands[1].element_type,
        Operator::ArgExtremum { .. } | Operator::NonZero | Operator::NonMaxSuppression(_) => {
            ElementType::I64
        }
        _ => operands[0].element_type,
    }
}

fn nchw(shape: &[usize]) -> Result<[usize; 4], Misfit> {
    shape.try_into().map_err(|_| Misfit::NotFeatureMaps(shape.to_vec()))
}

fn check_axis(axis: usize, shape: &[usize]) -> Result<(), Misfit> {
    match axis < shape.len() {
        true => Ok(()),
        false => Err(Misfit::Axis { axis, shape: shape.to_vec() }),
    }
}

fn check_not_empty(axis: usize, shape: &[usize]) -> Result<(), Misfit> {
    match shape.get(axis) {
        Some(0) => Err(Misfit::Empty { axis, shape: shape.to_vec() }),
        _ => check_axis(axis, shape),
    }
}

fn check_rank(rank: usize, other: &[usize]) -> Result<(), Misfit> {
    match other.len() == rank {
        true => Ok(()),
        false => Err(Misfit::Rank { needed: rank, got: other.to_vec() }),
    }
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
) -> Result<usize, Misfit> {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return Err(Misfit::Parameter("kernel, stride and dilation must be at least 1"));
    }
    // A file may name any number.
    let reach = dilation.saturating_mul(kernel - 1).saturating_add(1);
    extent.checked_sub(reach).map(|rest| rest / stride + 1).ok_or(Misfit::Window { reach, extent })
}

fn convolution_shape(convolution: &Convolution, operands: &[&Value]) -> Result<Shape, Misfit> {
    let Convolution { stride, dilation, padding, groups, .. } = convolution;
    let [n, c, height, width] = nchw(&operands[0].shape)?;
    let [filters, filter_channels, kernel_height, kernel_width] = nchw(&operands[1].shape)?;
    if *groups == 0 || filter_channels.saturating_mul(*groups) != c || filters % groups != 0 {
        return Err(Misfit::Filters { filters, filter_channels, groups: *groups, channels: c });
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
) -> Result<Shape, Misfit> {
    let TransposedConvolution { stride, dilation, padding, output_padding, groups, .. } =
        convolution;
    let [n, c, height, width] = nchw(&operands[0].shape)?;
    let [filter_channels, group_filters, kernel_height, kernel_width] = nchw(&operands[1].shape)?;
    if *groups == 0 || filter_channels != c || c % groups != 0 {
        return Err(Misfit::Filters {
            filters: filter_channels,
            filter_channels: group_filters,
            groups: *groups,
            channels: c,
        });
    }
    if [kernel_height, kernel_width, height, width].contains(&0) {
        return Err(Misfit::Parameter("kernel and input must not be empty"));
    }
    if [stride, dilation].into_iter().flatten().any(|step| *step == 0) {
        return Err(Misfit::Parameter("stride and dilation must be at least 1"));
    }
    check_bias(operands.get(2), group_filters.saturating_mul(*groups))?;
    let extent = |input: usize, kernel: usize, axis: usize, cut: usize| {
        let taps = dilation[axis].saturating_mul(kernel - 1).saturating_add(1);
        let full = (input - 1).saturating_mul(stride[axis]).saturating_add(taps);
        full.saturating_add(output_padding[axis])
            .checked_sub(cut)
            .ok_or(Misfit::Parameter("padding cuts off the whole result"))
    };
    Ok(vec![
        n,
        group_filters.saturating_mul(*groups),
        extent(height, kernel_height, 0, padding.top + padding.bottom)?,
        extent(width, kernel_width, 1, padding.left + padding.right)?,
    ])
}

fn check_bias(bias: Option<&&Value>, filters: usize) -> Result<(), Misfit> {
    match bias {
        Some(bias) if bias.shape != [filters] => {
            Err(Misfit::pair(&bias.shape, "(bias) is not", &[filters]))
        }
        _ => Ok(()),
    }
}

fn pool_shape(window: &Window, overhang: [usize; 2], x: &[usize]) -> Result<Shape, Misfit> {
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

fn grid_sample_shape(x: &[usize], grid: &[usize]) -> Result<Shape, Misfit> {
    let [n, c, _, _] = nchw(x)?;
    check_not_empty(2, x)?;
    check_not_empty(3, x)?;
    match *grid {
        [images, height, width, 2] if images == n => Ok(vec![n, c, height, width]),
        _ => Err(Misfit::pair(grid, "(grid) does not fit", x)),
    }
}

fn broadcast(a: &[usize], b: &[usize]) -> Result<Shape, Misfit> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| match (extent(a, axis), extent(b, axis)) {
            (a, b) if a == b => Ok(a),
            (1, extent) | (extent, 1) => Ok(extent),
            _ => Err(Misfit::pair(a, "does not broadcast with", b)),
        })
        .collect()
}

fn concat_shape(axis: usize, operands: &[&Value]) -> Result<Shape, Misfit> {
    let first = &operands[0].shape;
    check_axis(axis, first)?;
    let mut total = 0;
    for operand in operands {
        check_rank(first.len(), &operand.shape)?;
        if replaced(&operand.shape, axis, 0) != replaced(first, axis, 0) {
            return Err(Misfit::pair(&operand.shape, "cannot be joined to", first));
        }
        total += operand.shape[axis];
    }
    Ok(replaced(first, axis, total))
}

fn slice_shape(slices: &[AxisSlice], x: &[usize]) -> Result<Shape, Misfit> {
    if slices.len() != x.len() {
        return Err(Misfit::Rank {
            needed: x.len(),
            got: slices.iter().map(|slice| slice.len).collect(),
        });
    }
    for (slice, extent) in slices.iter().zip(x) {
        let reach = isize::try_from(slice.len.saturating_sub(1)).ok();
        let reach = reach.and_then(|steps| slice.step.checked_mul(steps));
        let last = reach.and_then(|reach| slice.start.checked_add_signed(reach));
        let is_inside = slice.start < *extent && last.is_some_and(|last| last < *extent);
        if slice.len > 0 && !is_inside {
            return Err(Misfit::Slice { slice: *slice, extent: *extent });
        }
    }
    Ok(slices.iter().map(|slice| slice.len).collect())
}

fn pad_shape(pad: &Pad, x: &[usize]) -> Result<Shape, Misfit> {
    check_rank(x.len(), &pad.before)?;
    check_rank(x.len(), &pad.after)?;
    Ok(x.iter()
        .zip(pad.before.iter().zip(&pad.after))
        .map(|(extent, (before, after))| before + extent + after)
        .collect())
}

fn matmul_shape(a: &[usize], b: &[usize]) -> Result<Shape, Misfit> {
    let ([.., rows, inner], [.., inner_of_b, columns]) = (a, b) else {
        return Err(Misfit::pair(a, "cannot be multiplied by", b));
    };
    if inner != inner_of_b {
        return Err(Misfit::pair(a, "cannot be multiplied by", b));
    }
    let mut shape = broadcast(&a[..a.len() - 2], &b[..b.len() - 2])?;
    shape.extend([*rows, *columns]);
    Ok(shape)
}

fn reduce_shape(reduce: &Reduce, x: &[usize]) -> Result<Shape, Misfit> {
    let ascending = reduce.axes.windows(2).all(|pair| pair[0] < pair[1]);
    if reduce.axes.is_empty() || !ascending || reduce.axes.iter().any(|axis| *axis >= x.len()) {
        return Err(Misfit::Reduction { axes: reduce.axes.clone(), shape: x.to_vec() });
    }
    Ok(x.iter()
        .enumerate()
        .filter_map(|(axis, extent)| match reduce.axes.contains(&axis) {
            false => Some(*extent),
            true => reduce.keep_axes.then_some(1),
        })
        .collect())
}
