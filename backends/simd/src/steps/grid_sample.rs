//! Bilinear samples of row-major feature maps at the positions of a grid.
#![expect(unsafe_code, reason = "elements are read and written through pointers")]

use framegate_backend_api::graph::GridSample;

use super::{Step, part, worthwhile_tasks};
use crate::memory::{Buffers, Cell, Slot};

/// Cost of a sample of a channel, in multiply-adds.
const WORK: usize = 128;

/// Positions whose elements and weights are worked out at a time.
const TOGETHER: usize = 32;

/// Elements that a sample is interpolated from.
const CORNERS: usize = 4;

/// See the [module](self).
pub(crate) struct SampleGrid {
    sample: GridSample,
    /// The feature maps and the grid.
    sources: [Slot; 2],
    target: Slot,
    /// Images, channels, rows and columns.
    shape: [usize; 4],
    /// Positions per image.
    points: usize,
    /// Into how many parts the positions of an image are cut.
    parts: usize,
    tasks: usize,
}

/// Where a sample's elements are, and their weights. Elements of weight 0 are replaced by others, so that
/// infinite ones do not spread.
#[derive(Debug, Clone, Copy, Default)]
struct Corners {
    offsets: [usize; CORNERS],
    weights: [f32; CORNERS],
}

impl SampleGrid {
    /// Of a sample whose mode is linear.
    pub(crate) fn new(
        threads: usize,
        sample: GridSample,
        shape: [usize; 4],
        points: usize,
        sources: [Slot; 2],
        target: Slot,
    ) -> Self {
        let [images, channels, ..] = shape;
        let wanted = worthwhile_tasks(WORK * images * channels * points, threads);
        let most = points.div_ceil(TOGETHER).max(1);
        let parts = wanted.div_ceil(images.max(1)).min(most);
        let tasks = wanted.min(images * parts).max(1);
        Self { sample, sources, target, shape, points, parts, tasks }
    }

    fn corners(&self, position: [f32; 2]) -> Corners {
        let [.., height, width] = self.shape;
        let columns = self.sample.taps(position[0], width);
        let rows = self.sample.taps(position[1], height);
        let mut corners = Corners::default();
        let mut at = 0;
        // A linear sample uses the two in the middle.
        for (row, row_weight) in &rows[1..3] {
            for (column, column_weight) in &columns[1..3] {
                let weight = (row_weight * column_weight) as f32;
                if let (Some(row), Some(column), true) = (row, column, weight != 0.0) {
                    corners.offsets[at] = row * width + column;
                    corners.weights[at] = weight;
                    at += 1;
                }
            }
        }
        let first = corners.offsets[0];
        corners.offsets[at..].fill(first);
        corners
    }
}

impl Step for SampleGrid {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { shape: [images, channels, height, width], points, parts, .. } = *self;
        let plane = height * width;
        for unit in part(images * parts, 1, task, self.tasks) {
            let (image, cut) = (unit / parts, unit % parts);
            let own = part(points, TOGETHER, cut, parts);
            let mut corners = [Corners::default(); TOGETHER];
            for first in own.clone().step_by(TOGETHER) {
                let count = TOGETHER.min(own.end - first);
                // SAFETY: the caller's promise: the buffers hold all elements, and offsets are within a
                // plane.
                unsafe {
                    let grid = buffers.pointer(self.sources[1]).add((image * points + first) * 2);
                    for (at, corners) in corners.iter_mut().enumerate().take(count) {
                        *corners = self.corners([*grid.add(2 * at), *grid.add(2 * at + 1)]);
                    }
                    for channel in image * channels..(image + 1) * channels {
                        let from = buffers.pointer(self.sources[0]).add(channel * plane);
                        let to = buffers.pointer(self.target).add(channel * points + first);
                        for (at, Corners { offsets, weights }) in
                            corners.iter().enumerate().take(count)
                        {
                            let mut sum = 0.0;
                            for (offset, weight) in offsets.iter().zip(weights) {
                                let x = *from.add(*offset);
                                sum += if *weight == 0.0 { 0.0 } else { x * weight };
                            }
                            *to.add(at) = sum;
                        }
                    }
                }
            }
        }
    }
}
