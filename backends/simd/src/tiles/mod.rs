//! Products of small matrices of bf16, whose sums the processor keeps in tiles.
//!
//! A tile of sums is 16 results by a block of 16 filters. To it are added the products of 16 rows of
//! factors, a result each, with 16 columns of them, a filter each; rows and columns are as long as a
//! block of the input has channels, which is eight pairs:
//!
//! ```text
//!                      columns: B blocks of 16 filters
//!                      ┌────────┐┌────────┐
//!             8 pairs  │        ││        │
//!  rows:               └────────┘└────────┘
//!  P × 16     ┌────┐   ┌────────┐┌────────┐
//!  results    │    │ ▶ │   +=   ││   +=   │
//!             └────┘   └────────┘└────────┘
//! ```
#![expect(unsafe_code, reason = "tiles are loaded and stored through pointers")]

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(test)]
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use amx::AmxTiles;
#[cfg(test)]
pub(crate) use portable::PortableTiles;

/// Results of a tile.
pub(crate) const ROWS: usize = 16;
/// Filters of a tile: those of a block.
pub(crate) const COLUMNS: usize = 16;
/// Pairs of channels in a row or column of factors: those of a block.
pub(crate) const PAIRS: usize = 8;
/// Most tiles of sums at a time: there are eight tiles in all, and factors need some.
pub(crate) const MOST_SUMS: usize = 4;

/// Where the factors of a tap lie in one block of the input.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Factors {
    /// The first row of each of `P` tiles.
    pub(crate) rows: [*const f32; MOST_SUMS],
    /// `[pair][block][lane]`, of `B` blocks.
    pub(crate) columns: *const f32,
}

/// Where sums come from and go to, `B` tiles for each of `P`. Rows of results follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    /// What products are added to.
    pub(crate) start: [*const f32; MOST_SUMS],
    /// Elements between two rows of that: [`COLUMNS`], or 0 where every row is the same.
    pub(crate) start_stride: usize,
    pub(crate) end: [*mut f32; MOST_SUMS],
}

/// What multiplies tiles.
///
/// # Safety
/// Every method may be called only where the processor has the type's instructions.
pub(crate) trait Tiles {
    /// Readies this thread's tiles for [`Tiles::multiply`].
    unsafe fn configure();

    /// Gives the tiles up, so that the system need not save them when threads change.
    unsafe fn release();

    /// Adds the products of all factors: `P` · `B` is at most [`MOST_SUMS`]. `row_stride` is the number
    /// of elements between two rows of factors.
    ///
    /// # Safety
    /// The thread's tiles are configured. Pointers are good for whole tiles; where sums go overlaps
    /// neither factors nor each other.
    unsafe fn multiply<const P: usize, const B: usize>(
        factors: &[Factors],
        row_stride: usize,
        sums: &Sums,
    );
}
