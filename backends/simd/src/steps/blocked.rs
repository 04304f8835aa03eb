//! The channel-blocked layout of a feature map.

/// The layout `[blocks][height][width][lanes]`: channels in blocks as wide as a vector, each block a
/// plane of its own. The last block's surplus lanes hold arbitrary finite numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) lanes: usize,
}

impl Blocked {
    /// The layout of `[1, channels, height, width]`.
    pub(crate) fn new(shape: &[usize], lanes: usize) -> Self {
        let [_, channels, height, width] = *shape else {
            unreachable!("only feature maps are blocked");
        };
        Self { channels, height, width, lanes }
    }

    pub(crate) fn blocks(&self) -> usize {
        self.channels.div_ceil(self.lanes)
    }

    /// Elements of a block.
    pub(crate) fn block_len(&self) -> usize {
        self.height * self.width * self.lanes
    }

    /// Elements of a row of a block.
    pub(crate) fn row_len(&self) -> usize {
        self.width * self.lanes
    }

    /// Elements in all blocks.
    pub(crate) fn len(&self) -> usize {
        self.blocks() * self.block_len()
    }

    /// Offset of a row, with rows counted through all blocks.
    pub(crate) fn row_start(&self, row_of_all: usize) -> usize {
        row_of_all * self.row_len()
    }

    /// The number of channels in a block, which may be fewer than its lanes.
    pub(crate) fn channels_in(&self, block: usize) -> usize {
        self.lanes.min(self.channels - block * self.lanes)
    }
}
