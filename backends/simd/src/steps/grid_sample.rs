//! Bilinear samples of row-major feature maps at the positions of a grid.
#![expect(unsafe_code, reason = "elements are read and written through pointers")]

use framegate_backend_api::graph::{GridSample, SampleTap};

use framegate_cpu::Level;

use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::grid_sample::{self, CORNERS, Corners};
use crate::kernels::layout::{Strides, pack_version};
use crate::memory::{Buffers, Cell, Slot};

/// Cost of a sample of a channel, in multiply-adds.
const WORK: usize = 128;

/// Positions whose elements and weights are worked out at a time.
const TOGETHER: usize = 32;

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
    /// How to sample blocks of channels, where there are enough positions for an image to be packed into them first.
    blocks: Option<Blocks>,
}

struct Blocks {
    pack: unsafe fn(*const f32, Strides, usize, usize, *mut f32),
    sample: unsafe fn(*const f32, &[Corners], *mut f32, usize, usize),
    lanes: usize,
}

impl SampleGrid {
    /// Of a sample whose mode is linear.
    pub(crate) fn new(
        level: Level,
        threads: usize,
        sample: GridSample,
        shape: [usize; 4],
        points: usize,
        sources: [Slot; 2],
        target: Slot,
    ) -> Self {
        let [images, channels, height, width] = shape;
        let wanted = worthwhile_tasks(WORK * images * channels * points, threads);
        let most = points.div_ceil(TOGETHER).max(1);
        let parts = wanted.div_ceil(images.max(1)).min(most);
        let tasks = wanted.min(images * parts).max(1);
        let blocks = (CORNERS * points >= height * width * parts).then(|| Blocks {
            pack: pack_version(level),
            sample: grid_sample::version(level),
            lanes: level.lanes(),
        });
        Self { sample, sources, target, shape, points, parts, tasks, blocks }
    }

    /// An image's channels in blocks of this many lanes.
    fn image(&self, lanes: usize) -> Blocked {
        let [_, channels, height, width] = self.shape;
        Blocked { channels, height: 1, width: height * width, lanes }
    }

    fn corners(&self, position: [f32; 2]) -> Corners {
        let [.., height, width] = self.shape;
        let (columns, rows) = (self.pair(position[0], width), self.pair(position[1], height));
        let mut corners = Corners::default();
        for (row, row_weight) in rows {
            for (column, column_weight) in columns {
                let weight = (row_weight * column_weight) as f32;
                if let (Some(row), Some(column), true) = (row, column, weight != 0.0) {
                    corners.offsets[corners.count] = row * width + column;
                    corners.weights[corners.count] = weight;
                    corners.count += 1;
                }
            }
        }
        corners
    }

    /// The two elements of an axis that a linear sample uses.
    fn pair(&self, coordinate: f32, extent: usize) -> [SampleTap; 2] {
        let position = self.sample.position(coordinate, extent);
        if (0.0..extent as f32 - 1.0).contains(&position) {
            // Most are inside, and quickly found.
            let first = position as usize;
            let share = f64::from(position) - first as f64;
            return [(Some(first), 1.0 - share), (Some(first + 1), share)];
        }
        let [_, first, second, _] = self.sample.taps(coordinate, extent);
        [first, second]
    }
}

impl Step for SampleGrid {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn scratch_cells(&self) -> usize {
        self.blocks.as_ref().map_or(0, |blocks| self.image(blocks.lanes).len())
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let Self { shape: [images, channels, height, width], points, parts, .. } = *self;
        let plane = height * width;
        let mut packed = None;
        for unit in part(images * parts, 1, task, self.tasks) {
            let (image, cut) = (unit / parts, unit % parts);
            let own = part(points, TOGETHER, cut, parts);
            let from = buffers.pointer(self.sources[0]).wrapping_add(image * channels * plane);
            if let Some(blocks) = &self.blocks
                && packed.replace(image) != Some(image)
            {
                // SAFETY: the caller's promise: the source holds the image, and scratch memory has room for it.
                unsafe { self.pack(blocks, from, scratch) };
            }
            let mut corners = [Corners::default(); TOGETHER];
            for first in own.clone().step_by(TOGETHER) {
                let corners = &mut corners[..TOGETHER.min(own.end - first)];
                // SAFETY: the caller's promise: the buffers hold all elements, and offsets are within a
                // plane.
                unsafe {
                    let grid = buffers.pointer(self.sources[1]).add((image * points + first) * 2);
                    for (at, corners) in corners.iter_mut().enumerate() {
                        *corners = self.corners([*grid.add(2 * at), *grid.add(2 * at + 1)]);
                    }
                    let to = buffers.pointer(self.target).add(image * channels * points + first);
                    match &self.blocks {
                        Some(blocks) => self.sample_blocks(blocks, scratch, corners, to),
                        None => self.sample_planes(from, corners, to),
                    }
                }
            }
        }
    }
}

impl SampleGrid {
    /// # Safety
    /// `from` is good for an image, and `scratch` for its blocks.
    unsafe fn pack(&self, blocks: &Blocks, from: *const f32, scratch: *mut Cell) {
        let image = self.image(blocks.lanes);
        let strides = Strides { start: 0, channel: image.width, row: 0, column: 1 };
        for block in 0..image.blocks() {
            // SAFETY: the caller's promise.
            unsafe {
                let from = from.add(block * image.lanes * image.width);
                let to = scratch.add(block * image.block_len());
                (blocks.pack)(from, strides, image.channels_in(block), image.width, to);
            }
        }
    }

    /// Samples all channels at these positions, from an image in blocks.
    ///
    /// # Safety
    /// `pixels` is good for the image, `to` for the samples of all channels.
    unsafe fn sample_blocks(
        &self,
        blocks: &Blocks,
        pixels: *const Cell,
        corners: &[Corners],
        to: *mut f32,
    ) {
        let image = self.image(blocks.lanes);
        for block in 0..image.blocks() {
            // SAFETY: the caller's promise.
            unsafe {
                let pixels = pixels.add(block * image.block_len());
                let to = to.add(block * image.lanes * self.points);
                (blocks.sample)(pixels, corners, to, self.points, image.channels_in(block));
            }
        }
    }

    /// The same, from an image in planes.
    ///
    /// # Safety
    /// `from` is good for the image, `to` for the samples of all channels.
    unsafe fn sample_planes(&self, from: *const f32, corners: &[Corners], to: *mut f32) {
        let [_, channels, height, width] = self.shape;
        for channel in 0..channels {
            let from = from.wrapping_add(channel * height * width);
            let to = to.wrapping_add(channel * self.points);
            for (at, Corners { count, offsets, weights }) in corners.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe {
                    let mut sum = 0.0;
                    for (offset, weight) in offsets.iter().zip(weights).take(*count) {
                        sum += *from.add(*offset) * weight;
                    }
                    *to.add(at) = sum;
                }
            }
        }
    }
}
