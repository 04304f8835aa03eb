//! Products of small bf16 matrices, whose sums the processor keeps in tiles.
//!
//! A tile of sums is 16 results by a block of 16 filters. The products of 16 rows of factors, one per
//! result, with 16 columns of factors, one per filter, are added to it. Rows and columns are as long as
//! a block of the input has channels, which is eight pairs:
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

#[cfg(all(feature = "amx", target_arch = "x86_64"))]
mod amx;
#[cfg(test)]
mod portable;

#[cfg(all(feature = "amx", target_arch = "x86_64"))]
pub(crate) use amx::AmxTiles;
#[cfg(test)]
pub(crate) use portable::PortableTiles;

/// Results in a tile.
pub(crate) const ROWS: usize = 16;
/// Filters in a tile, which are those of a block.
pub(crate) const COLUMNS: usize = 16;
/// Pairs of channels in a row or column of factors, which are those of a block.
pub(crate) const PAIRS: usize = 8;
/// The most tiles of sums at a time: there are eight tiles in all, and factors need some.
pub(crate) const MOST_SUMS: usize = 4;

/// Where the factors of one tap and one block of the input are.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Factors {
    /// The first row of each of `P` tiles.
    pub(crate) rows: [*const f32; MOST_SUMS],
    /// `[pair][block][lane]`, of `B` blocks.
    pub(crate) columns: *const f32,
}

/// Where sums come from and go to: `B` tiles for each of `P`. Rows of results follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    /// What the products are added to.
    pub(crate) start: [*const f32; MOST_SUMS],
    /// Elements from a row of that to the next: [`COLUMNS`], or 0 where all rows are the same.
    pub(crate) start_stride: usize,
    pub(crate) end: [*mut f32; MOST_SUMS],
}

/// Instructions, or their portable twin, that multiply tiles.
///
/// # Safety
/// Every method may be called only where the processor has the type's instructions.
pub(crate) trait Tiles {
    /// Prepares this thread's tiles for [`Tiles::multiply`].
    unsafe fn configure();

    /// Releases the tiles, so that the system need not save them on a context switch.
    unsafe fn release();

    /// Adds the products of all factors. `P` · `B` is at most [`MOST_SUMS`], and `row_stride` is the
    /// number of elements from a row of factors to the next.
    ///
    /// # Safety
    /// The thread's tiles are configured. Pointers are good for whole tiles. The destinations
    /// of sums overlap neither factors nor each other.
    unsafe fn multiply<const P: usize, const B: usize>(
        factors: &[Factors],
        row_stride: usize,
        sums: &Sums,
    );
}
