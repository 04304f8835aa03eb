//! The operators of a graph.
//!
//! This is a small canonical set. Importing a model rewrites everything else (a split, a flattening,
//! a matrix product with a transposed operand, batch normalisation, …) into these, so that every
//! backend implements each idea once. Operators follow the ONNX operator of the same name,
//! <https://onnx.ai/onnx/operators/>, where there is one.
//!
//! Shapes below are `[batch, channels, height, width]` = `[N, C, H, W]`; axes count from the
//! outermost, 0.

use super::{Activation, Binary, GridSample, NonMaxSuppression, RoiAlign, Unary};
use crate::ElementType;

/// The computation of a node. Each variant lists its operands and results.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// `x [N, C, H, W]`, `weight [M, C / groups, kh, kw]`, optionally `bias [M]` →
    /// `[N, M, H', W']`.
    Convolution(Convolution),
    /// `x [N, C, H, W]`, `weight [C, M / groups, kh, kw]`, optionally `bias [M]` →
    /// `[N, M, H', W']`.
    TransposedConvolution(TransposedConvolution),
    /// `x [N, C, H, W]` → the largest element under each window; padding never wins.
    MaxPool(Window),
    /// `x [N, C, H, W]` → the mean under each window.
    AveragePool(AveragePool),
    /// `x [N, C, H, W]` → `[N, C, size]`.
    Resize(Resize),
    /// `x [N, C, H, W]`, `grid [N, H', W', 2]` of positions (horizontal, then vertical, from −1 to 1) →
    /// `[N, C, H', W']`, read from `x` at those positions.
    GridSample(GridSample),
    /// `x [N, C, H, W]`, `regions [R, 4]` (left, top, right, bottom), `images [R]` (`I64`) → each region of its
    /// image pooled: `[R, C, size]`.
    RoiAlign(RoiAlign),
    /// `x` → a function of each `f32` element.
    Activation(Activation),
    /// `x` → a function of each element.
    Unary(Unary),
    /// `a`, `b` → a function of each pair, with NumPy's broadcasting.
    Binary(Binary),
    /// `condition` (boolean), `a`, `b` → `a` where true, else `b`, with broadcasting.
    Where,
    /// `x` → the same elements in another type. Float to integer truncates; zero is false.
    Cast(ElementType),
    /// One or more tensors → joined along an axis.
    Concat {
        /// Axis to join along.
        axis: usize,
    },
    /// `x` → some of its elements along each axis; one entry per axis.
    Slice(Vec<AxisSlice>),
    /// `x`, `indices` (`I64`, any rank) → `x` with the axis replaced by the axes of `indices`.
    /// Negative indices count from the end.
    Gather {
        /// Axis that is indexed.
        axis: usize,
    },
    /// `x`, `indices` (`I64`, the rank of `x`) → `x[…, indices[…], …]`, shaped as `indices`.
    GatherElements {
        /// Axis that is indexed.
        axis: usize,
    },
    /// `x [R, …]`, `indices [M]` (`I64`), `updates [M, …]` → `x` with each update written to the row at
    /// its index, in this way and in order. Negative indices count from the end.
    Scatter(ScatterMode),
    /// `x` → surrounded by more elements.
    Pad(Pad),
    /// `x` → the same elements in another shape, which is written for one image.
    Reshape {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// `x` → axes in another order: result axis `i` is `x`'s axis `permutation[i]`.
    Transpose {
        /// Source axis of each result axis.
        permutation: Vec<usize>,
    },
    /// `x` → broadcast to a shape that it broadcasts to without growing it.
    Expand {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// `x` → repeated along each axis.
    Tile {
        /// Number of copies along each axis.
        repeats: Vec<usize>,
    },
    /// `a [.., M, K]`, `b [.., K, N]`, both of rank 2 or more → `[.., M, N]`; leading axes broadcast.
    MatMul,
    /// `x` → exponentials along an axis, divided by their sum.
    Softmax {
        /// Axis that sums to one.
        axis: usize,
    },
    /// `x` → some axes reduced.
    Reduce(Reduce),
    /// `x` → the sum of all elements up to each one, along an axis.
    CumulativeSum {
        /// Axis along which the sum runs.
        axis: usize,
        /// Whether each sum ends before its own element.
        exclusive: bool,
        /// Whether the sum runs from the end.
        reverse: bool,
    },
    /// `x` → index (`I64`) of the largest or smallest element along an axis, the first among equals;
    /// the axis stays with extent 1.
    ArgExtremum {
        /// Axis searched.
        axis: usize,
        /// Largest if true, smallest otherwise.
        largest: bool,
    },
    /// `x`, `scale`, `bias` (both shaped as `x` from `axis` on) → zero mean and unit variance over
    /// the axes from `axis` on, then scaled and shifted.
    LayerNormalization {
        /// First normalised axis.
        axis: usize,
        /// Added to the variance.
        epsilon: f32,
    },
    /// `x` → its `k` largest or smallest along an axis, sorted, and their indices (`I64`).
    TopK(TopK),
    /// `x` (boolean, of N elements) → the positions (`I64`, `[N]`) of its true elements in row-major order, then
    /// zeros.
    NonZero,
    /// `boxes [N, B, 4]`, `scores [N, C, B]` → image, class and box of each box that is kept (`I64`,
    /// `[N · C · min(most, B), 3]`), by image, class and descending score, then rows of −1.
    NonMaxSuppression(NonMaxSuppression),
}

/// Parameters of [`Operator::Convolution`].
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    /// Step between windows, vertical then horizontal.
    pub stride: [usize; 2],
    /// Distance between kernel taps, vertical then horizontal.
    pub dilation: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding,
    /// Number of groups the channels are divided into.
    pub groups: usize,
    /// Applied to each result.
    pub activation: Option<Activation>,
}

/// Parameters of [`Operator::TransposedConvolution`].
#[derive(Debug, Clone, PartialEq)]
pub struct TransposedConvolution {
    /// Step between windows of the result, vertical then horizontal.
    pub stride: [usize; 2],
    /// Distance between kernel taps, vertical then horizontal.
    pub dilation: [usize; 2],
    /// Rows and columns cut off the result.
    pub padding: Padding,
    /// Rows and columns added at the bottom and at the right of the result.
    pub output_padding: [usize; 2],
    /// Number of groups the channels are divided into.
    pub groups: usize,
    /// Applied to each result.
    pub activation: Option<Activation>,
}

/// Elements beyond the edges of a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

/// A sliding window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Step, vertical then horizontal.
    pub stride: [usize; 2],
    /// Distance between taps, vertical then horizontal.
    pub dilation: [usize; 2],
    /// Elements around the input.
    pub padding: Padding,
}

/// Parameters of [`Operator::AveragePool`].
#[derive(Debug, Clone, PartialEq)]
pub struct AveragePool {
    /// The window.
    pub window: Window,
    /// Whether padding counts as zeros in the mean; otherwise only elements of the input count.
    pub count_padding: bool,
    /// Rows below and columns to the right of the padding that windows may reach into and that
    /// never count: what ONNX's `ceil_mode` adds.
    pub overhang: [usize; 2],
}

/// Parameters of [`Operator::Resize`].
#[derive(Debug, Clone, PartialEq)]
pub struct Resize {
    /// Height and width of the result.
    pub size: [usize; 2],
    /// Result extent divided by input extent, vertical then horizontal, as the file gives it: it
    /// may differ from the quotient of the sizes by a rounding.
    pub scale: [f32; 2],
    /// Interpolation.
    pub mode: ResizeMode,
    /// How result positions are mapped to input positions.
    pub coordinates: Coordinates,
}

/// Interpolation of [`Resize`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResizeMode {
    /// The nearest element, by this rule.
    Nearest(NearestRounding),
    /// Bilinear, clamped at the edges, without antialiasing.
    Linear,
}

/// Which neighbour is nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearestRounding {
    /// The closer one; ties go to the lower.
    RoundPreferFloor,
    /// The closer one; ties go to the upper.
    RoundPreferCeil,
    /// The lower one.
    Floor,
    /// The upper one.
    Ceil,
}

/// Mapping of a result position `x` to an input position, along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coordinates {
    /// `(x + 0.5) / scale − 0.5`
    HalfPixel,
    /// Like [`Coordinates::HalfPixel`], but 0 if the result has extent 1.
    PytorchHalfPixel,
    /// `x / scale`
    Asymmetric,
    /// `x · (input − 1) / (result − 1)`, 0 if the result has extent 1.
    AlignCorners,
}

/// Which elements of one axis a slice keeps: `start + i · step` for `i` in `0..len`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AxisSlice {
    /// First element kept.
    pub start: usize,
    /// Distance to the next, not 0; negative walks backwards.
    pub step: isize,
    /// Number of elements kept.
    pub len: usize,
}

impl AxisSlice {
    /// Keeps all of an axis of this extent.
    pub fn all(extent: usize) -> Self {
        Self { start: 0, step: 1, len: extent }
    }

    /// Whether this keeps an axis of `extent` as it is.
    pub fn is_all(&self, extent: usize) -> bool {
        self.start == 0 && self.step == 1 && self.len == extent
    }
}

/// Parameters of [`Operator::Pad`].
#[derive(Debug, Clone, PartialEq)]
pub struct Pad {
    /// Elements added before each axis.
    pub before: Vec<usize>,
    /// Elements added after each axis.
    pub after: Vec<usize>,
    /// The summand.
    pub mode: PadMode,
}

/// How [`Operator::Scatter`] combines an update with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScatterMode {
    /// The update takes its place.
    Replace,
    /// Their sum.
    Add,
    /// Their product.
    Multiply,
    /// The larger.
    Max,
    /// The smaller.
    Min,
}

/// The elements that padding is filled with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadMode {
    /// This number.
    Constant(f32),
    /// The nearest element.
    Edge,
    /// The input mirrored, without repeating the edge.
    Reflect,
}

/// Parameters of [`Operator::Reduce`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reduce {
    /// How elements are combined.
    pub reduction: Reduction,
    /// Axes that are reduced, ascending, at least one.
    pub axes: Vec<usize>,
    /// Whether reduced axes stay, with extent 1, or disappear.
    pub keep_axes: bool,
}

/// Ways to combine elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their arithmetic mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Their product.
    Product,
}

/// Parameters of [`Operator::TopK`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopK {
    /// Axis searched.
    pub axis: usize,
    /// Number of elements kept.
    pub k: usize,
    /// Largest first if true, smallest first otherwise; ties are in index order.
    pub largest: bool,
}
