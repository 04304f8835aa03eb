//! `DeformConv`, as samples of the feature map at every tap, and a convolution of one tap over them.

use framegate_backend_api::{
    HostTensor,
    graph::{
        AxisSlice, Binary, Convolution, GridSample, Operator, Padding, SampleMode, SamplePadding,
        ValueId,
    },
};

use super::convolution::{Geometry, spatial_extent};
use super::groups::groups_of;
use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, extents_of};

pub(super) fn deform_conv(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x, weight, offset) = (node.operand(0)?, node.operand(1)?, node.operand(2)?);
    let ([_, channels], [rows, columns]) = (leading(graph, x)?, spatial_extent(graph, offset)?);
    let kernel = spatial_extent(graph, weight)?;
    let taps = kernel[0] * kernel[1];
    let groups = node.attributes.integer_or("offset_group", 1)?;
    let groups = extents_of(&[groups], "`offset_group`")?[0];
    if groups == 0 || channels % groups != 0 || leading(graph, offset)?[1] != groups * taps * 2 {
        return Err(format!("offsets do not fit {channels} channels in {groups} groups"));
    }
    let geometry = Geometry::of(node)?;
    let padding = geometry.padding(node, spatial_extent(graph, x)?, kernel)?;
    let place = Place { kernel, geometry, padding, rows, columns };
    let mut samples = Vec::new();
    for group in 0..groups {
        let own = channels / groups;
        let part = channels_of(graph, x, group * own, own)?;
        let offsets = channels_of(graph, offset, group * taps * 2, taps * 2)?;
        let mask = match node.optional(4) {
            Some(mask) => Some(channels_of(graph, mask, group * taps, taps)?),
            None => None,
        };
        samples.push(place.sampled(graph, part, offsets, mask)?);
    }
    let samples = graph.emit(Operator::Concat { axis: 1 }, &samples)?;
    let [filters, own] = leading(graph, weight)?;
    let shape = vec![filters, own * taps, 1, 1];
    let weight = graph.emit(Operator::Reshape { shape }, &[weight])?;
    let convolution = Convolution {
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::default(),
        groups: groups_of(node)?,
        activation: None,
    };
    let operands: Vec<ValueId> = [samples, weight].into_iter().chain(node.optional(3)).collect();
    Ok(vec![graph.emit(Operator::Convolution(convolution), &operands)?])
}

/// Where the taps are.
struct Place {
    kernel: [usize; 2],
    geometry: Geometry,
    padding: Padding,
    rows: usize,
    columns: usize,
}

impl Place {
    /// `[N, C · taps, H', W']`: for each channel, what is under each tap.
    fn sampled(
        &self,
        graph: &mut Import,
        x: ValueId,
        offsets: ValueId,
        mask: Option<ValueId>,
    ) -> Result<ValueId, Problem> {
        let [images, channels] = leading(graph, x)?;
        let extent = spatial_extent(graph, x)?;
        let taps = self.kernel[0] * self.kernel[1];
        let (rows, columns) = (self.rows, self.columns);
        // [N, taps · 2, H', W'] → [N, taps, H', W', 2], vertical then horizontal
        let shape = vec![images, taps, 2, rows, columns];
        let pairs = graph.emit(Operator::Reshape { shape }, &[offsets])?;
        let permutation = vec![0, 1, 3, 4, 2];
        let pairs = graph.emit(Operator::Transpose { permutation }, &[pairs])?;
        let positions = graph.constant(self.positions());
        let positions = graph.emit(Operator::Binary(Binary::Add), &[pairs, positions])?;
        // As coordinates from −1 to 1 between the edges: (2 p + 1) / extent − 1
        let scales = extent.map(|extent| 2.0 / extent as f32).to_vec();
        let shifts = extent.map(|extent| 1.0 / extent as f32 - 1.0).to_vec();
        let [scales, shifts] =
            [scales, shifts].map(|pair| graph.constant(HostTensor::from_f32([2], pair)));
        let grid = graph.emit(Operator::Binary(Binary::Mul), &[positions, scales])?;
        let grid = graph.emit(Operator::Binary(Binary::Add), &[grid, shifts])?;
        let order = graph.constant(HostTensor::from_i64([2], vec![1, 0]));
        let grid = graph.emit(Operator::Gather { axis: 4 }, &[grid, order])?;
        let shape = vec![images, taps * rows, columns, 2];
        let grid = graph.emit(Operator::Reshape { shape }, &[grid])?;
        let sample = GridSample {
            mode: SampleMode::Linear,
            padding: SamplePadding::Zeros,
            align_corners: false,
        };
        let samples = graph.emit(Operator::GridSample(sample), &[x, grid])?;
        let shape = vec![images, channels, taps, rows * columns];
        let mut samples = graph.emit(Operator::Reshape { shape }, &[samples])?;
        if let Some(mask) = mask {
            let shape = vec![images, 1, taps, rows * columns];
            let mask = graph.emit(Operator::Reshape { shape }, &[mask])?;
            samples = graph.emit(Operator::Binary(Binary::Mul), &[samples, mask])?;
        }
        let shape = vec![images, channels * taps, rows, columns];
        graph.emit(Operator::Reshape { shape }, &[samples])
    }

    /// `[taps, H', W', 2]`: where each tap is without an offset, vertical then horizontal.
    fn positions(&self) -> HostTensor {
        let [down, across] = self.kernel;
        let before = [self.padding.top, self.padding.left];
        let at = |axis: usize, window: usize, tap: usize| {
            let Geometry { stride, dilation } = &self.geometry;
            (window * stride[axis] + tap * dilation[axis]) as f32 - before[axis] as f32
        };
        let mut positions = Vec::new();
        for (tap_row, tap_column) in (0..down).flat_map(|row| (0..across).map(move |it| (row, it)))
        {
            for row in 0..self.rows {
                for column in 0..self.columns {
                    positions.extend([at(0, row, tap_row), at(1, column, tap_column)]);
                }
            }
        }
        HostTensor::from_f32([down * across, self.rows, self.columns, 2], positions)
    }
}

/// The first two extents.
fn leading(graph: &Import, id: ValueId) -> Result<[usize; 2], Problem> {
    match graph.shape(id)[..] {
        [first, second, ..] => Ok([first, second]),
        ref shape => Err(format!("{shape:?} has too few axes")),
    }
}

fn channels_of(
    graph: &mut Import,
    x: ValueId,
    start: usize,
    len: usize,
) -> Result<ValueId, Problem> {
    let shape = graph.shape(x);
    if shape.get(1).is_none_or(|channels| start + len > *channels) {
        return Err(format!("{shape:?} has too few channels"));
    }
    let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
    slices[1] = AxisSlice { start, step: 1, len };
    graph.emit(Operator::Slice(slices), &[x])
}
