//! Intel's AMX, which has eight tiles of 16 rows of 64 bytes.
//!
//! Rust has no stable intrinsics for it, hence the assembly. The instructions are described in Intel's
//! Software Developer's Manual, volume 1, chapter 18.
#![expect(unsafe_code, reason = "tiles exist on some processors only")]

use std::arch::asm;

use super::{COLUMNS, Factors, PAIRS, ROWS, Sums, Tiles};

/// The operand of `LDTILECFG`.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Tiles 0 to 3 are sums, 4 and 5 rows, 6 and 7 columns: the next factors are loaded while a product is
/// computed.
static CONFIGURATION: Configuration = {
    const SUMS: u16 = (COLUMNS * size_of::<f32>()) as u16;
    const FACTORS: u16 = (PAIRS * size_of::<f32>()) as u16;
    let (results, pairs) = (ROWS as u8, PAIRS as u8);
    Configuration {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        row_bytes: [SUMS, SUMS, SUMS, SUMS, FACTORS, FACTORS, SUMS, SUMS, 0, 0, 0, 0, 0, 0, 0, 0],
        rows: [
            results, results, results, results, results, results, pairs, pairs, 0, 0, 0, 0, 0, 0,
            0, 0,
        ],
    }
};

/// The processor's tiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AmxTiles;

impl Tiles for AmxTiles {
    unsafe fn configure() {
        // SAFETY: the processor has tiles, and nothing else in this program uses them.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIGURATION, options(nostack, readonly)) }
    }

    unsafe fn release() {
        // SAFETY: as above.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }

    #[inline(always)]
    unsafe fn multiply<const P: usize, const B: usize>(
        factors: &[Factors],
        row_stride: usize,
        sums: &Sums,
    ) {
        let row_stride = row_stride * size_of::<f32>();
        // SAFETY: the caller's promise.
        unsafe {
            match (P, B) {
                (1, 1) => one_by_one(factors, row_stride, sums),
                (1, 2) => one_by_two(factors, row_stride, sums),
                (1, 3) => one_by_three(factors, row_stride, sums),
                (1, 4) => one_by_four(factors, row_stride, sums),
                (2, 2) => two_by_two(factors, row_stride, sums),
                (4, 1) => four_by_one(factors, row_stride, sums),
                _ => unreachable!("there are no tiles for {P} by {B}"),
            }
        }
    }
}

macro_rules! load_rows {
    ($tile:literal, $index:literal) => {
        concat!(
            "mov {at}, [{factors} + 8*",
            $index,
            "]\ntileloadd tmm",
            $tile,
            ", [{at} + {row_stride}]"
        )
    };
}

macro_rules! load_columns {
    ($tile:literal, $block:literal) => {
        concat!("tileloadd tmm", $tile, ", [{columns} + {column_stride} + 64*", $block, "]")
    };
}

macro_rules! add_products {
    ($sum:literal, $rows:literal, $columns:literal) => {
        concat!("tdpbf16ps tmm", $sum, ", tmm", $rows, ", tmm", $columns)
    };
}

/// Defines a function that adds products to the given sums: `for_each_factors` lists its instructions for
/// each element of the list of factors.
macro_rules! product {
    (
        $name:ident, blocks: $blocks:literal, sums: [$($sum:literal),+],
        for_each_factors: [$($line:expr),+ $(,)?] $(,)?
    ) => {
        /// [`Tiles::multiply`] for one shape, with the stride in bytes.
        unsafe fn $name(factors: &[Factors], row_stride: usize, sums: &Sums) {
            // SAFETY: the caller's promise; tiles are used nowhere else, and general registers are
            // declared.
            unsafe {
                asm!(
                    $(
                        concat!("mov {at}, [{start} + 8*", $sum, "]"),
                        concat!("tileloadd tmm", $sum, ", [{at} + {start_stride}]"),
                    )+
                    "test {count}, {count}",
                    "jz 3f",
                    "2:",
                    "mov {columns}, [{factors} + 32]",
                    $($line,)+
                    "add {factors}, 40",
                    "dec {count}",
                    "jnz 2b",
                    "3:",
                    $(
                        concat!("mov {at}, [{end} + 8*", $sum, "]"),
                        concat!("tilestored [{at} + {end_stride}], tmm", $sum),
                    )+
                    factors = inout(reg) factors.as_ptr() => _,
                    count = inout(reg) factors.len() => _,
                    row_stride = in(reg) row_stride,
                    columns = out(reg) _,
                    column_stride = in(reg) $blocks * COLUMNS * size_of::<f32>(),
                    start = in(reg) sums.start.as_ptr(),
                    start_stride = in(reg) sums.start_stride * size_of::<f32>(),
                    end = in(reg) sums.end.as_ptr(),
                    end_stride = in(reg) COLUMNS * size_of::<f32>(),
                    at = out(reg) _,
                    options(nostack),
                );
            }
        }
    };
}

const _: () = assert!(std::mem::offset_of!(Factors, columns) == 32 && size_of::<Factors>() == 40);

product!(one_by_one, blocks: 1, sums: [0], for_each_factors: [
    load_rows!(4, 0), load_columns!(6, 0), add_products!(0, 4, 6),
]);

product!(one_by_two, blocks: 2, sums: [0, 1], for_each_factors: [
    load_rows!(4, 0),
    load_columns!(6, 0), add_products!(0, 4, 6),
    load_columns!(7, 1), add_products!(1, 4, 7),
]);

product!(one_by_three, blocks: 3, sums: [0, 1, 2], for_each_factors: [
    load_rows!(4, 0),
    load_columns!(6, 0), add_products!(0, 4, 6),
    load_columns!(7, 1), add_products!(1, 4, 7),
    load_columns!(6, 2), add_products!(2, 4, 6),
]);

product!(one_by_four, blocks: 4, sums: [0, 1, 2, 3], for_each_factors: [
    load_rows!(4, 0),
    load_columns!(6, 0), add_products!(0, 4, 6),
    load_columns!(7, 1), add_products!(1, 4, 7),
    load_columns!(6, 2), add_products!(2, 4, 6),
    load_columns!(7, 3), add_products!(3, 4, 7),
]);

product!(two_by_two, blocks: 2, sums: [0, 1, 2, 3], for_each_factors: [
    load_rows!(4, 0), load_columns!(6, 0), add_products!(0, 4, 6),
    load_columns!(7, 1), add_products!(1, 4, 7),
    load_rows!(5, 1), add_products!(2, 5, 6), add_products!(3, 5, 7),
]);

product!(four_by_one, blocks: 1, sums: [0, 1, 2, 3], for_each_factors: [
    load_columns!(6, 0),
    load_rows!(4, 0), add_products!(0, 4, 6),
    load_rows!(5, 1), add_products!(1, 5, 6),
    load_rows!(4, 2), add_products!(2, 4, 6),
    load_rows!(5, 3), add_products!(3, 5, 6),
]);
