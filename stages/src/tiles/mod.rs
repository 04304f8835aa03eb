//! Tiles of a frame that overlap: a detector sees each of them as large as it otherwise sees the whole.

mod merge;

use framegate_models::Size;

use super::FramePart;
pub use merge::merge_tiles;

/// Most tiles that a frame is cut into: with the whole frame they are the largest batch.
pub const MAX_TILES: usize = 15;
/// Part of a tile that its neighbour also shows. What is smaller is whole in one of them.
const OVERLAP: f32 = 0.2;

/// How frames are cut into tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tiling {
    /// As many as it takes for none to be made smaller for the model, but at most [`MAX_TILES`].
    Auto,
    /// This many, [`MAX_TILES`] at most.
    Grid {
        /// Tiles side by side, at least 1.
        columns: usize,
        /// Tiles one above another, at least 1.
        rows: usize,
    },
}

impl Tiling {
    /// The tiles of a frame for a model with this input, row by row. None where one would be the whole frame.
    pub fn tiles(self, frame: Size, input: Size) -> Vec<FramePart> {
        let (columns, rows) = match self {
            Self::Auto => as_many_as_needed(frame, input),
            Self::Grid { columns, rows } => (columns, rows),
        };
        if columns * rows <= 1 {
            return Vec::new();
        }
        let (across, width) = along(frame.width, columns);
        let (down, height) = along(frame.height, rows);
        let size = Size { width, height };
        let row = |top: usize| across.iter().map(move |&left| FramePart { left, top, size });
        down.iter().flat_map(|&top| row(top)).collect()
    }

    /// Most tiles that a frame is cut into.
    pub fn most(self) -> usize {
        match self {
            Self::Auto => MAX_TILES,
            Self::Grid { columns, rows } => columns * rows,
        }
    }
}

/// Columns and rows whose tiles have no more pixels than the input. Where that were too many, all are made larger.
fn as_many_as_needed(frame: Size, input: Size) -> (usize, usize) {
    /// By how much they are made larger each time.
    const STEP: f32 = 1.02;
    let count = |extent: usize, tile: f32| {
        let tiles = (extent as f32 / tile - OVERLAP) / (1.0 - OVERLAP);
        (tiles.ceil() as usize).max(1)
    };
    let mut scale = 1.0;
    loop {
        let columns = count(frame.width, scale * input.width as f32);
        let rows = count(frame.height, scale * input.height as f32);
        if columns * rows <= MAX_TILES {
            return (columns, rows);
        }
        scale *= STEP;
    }
}

/// Where the tiles begin along an axis, and their extent.
fn along(extent: usize, count: usize) -> (Vec<usize>, usize) {
    let tiles = count as f32 - (count - 1) as f32 * OVERLAP;
    let tile = ((extent as f32 / tiles).ceil() as usize).clamp(1, extent.max(1));
    let starts = (0..count).map(|index| index * (extent - tile) / (count - 1).max(1)).collect();
    (starts, tile)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: Size = Size { width: 416, height: 416 };

    #[test]
    fn tiles_cover_the_frame_and_overlap() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..300 {
            let frame = Size { width: random.usize(20..5000), height: random.usize(20..5000) };
            let (columns, rows) = (random.usize(1..=5), random.usize(1..=3));
            let tiling = if random.bool() { Tiling::Auto } else { Tiling::Grid { columns, rows } };
            let tiles = tiling.tiles(frame, INPUT);
            assert!(tiles.len() <= tiling.most() && tiles.len() != 1, "{frame:?}");
            let Some(first) = tiles.first() else { continue };
            let last = tiles.last().unwrap();
            assert_eq!((first.left, first.top), (0, 0));
            assert_eq!(last.left + last.size.width, frame.width);
            assert_eq!(last.top + last.size.height, frame.height);
            for pair in tiles.windows(2).filter(|pair| pair[0].top == pair[1].top) {
                let shared = (pair[0].left + pair[0].size.width) as f32 - pair[1].left as f32;
                let share = shared / pair[0].size.width as f32;
                // To a pixel.
                assert!(
                    shared >= 1.0 && (share - OVERLAP).abs() * 20.0 <= 5.0,
                    "{frame:?} {share}"
                );
            }
        }
    }

    #[test]
    fn as_many_as_needed_are_bounded() {
        let count = |width, height| {
            let tiles = Tiling::Auto.tiles(Size { width, height }, INPUT);
            let columns = tiles.iter().filter(|tile| tile.top == 0).count();
            (columns, tiles.len())
        };
        assert_eq!(count(416, 416), (0, 0));
        assert_eq!(count(417, 416), (2, 2));
        assert_eq!(count(1280, 720), (4, 8));
        assert_eq!(count(3840, 2160), (5, 15));
        assert_eq!(count(60_000, 10), (15, 15));
    }
}
