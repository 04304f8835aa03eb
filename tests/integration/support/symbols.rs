//! Images of codes that can be read: those of the page's demo.

use super::jpeg::{Coding, encode};

/// A QR Code: each row is a number whose bits, the highest first, are modules.
pub(crate) struct Symbol {
    pub(crate) text: &'static str,
    rows: [u32; 21],
}

pub(crate) const PARCEL: Symbol = Symbol {
    text: "FRAMEGATE PARCEL 1",
    rows: [
        0xfeebf8, 0x82ca08, 0xba62e8, 0xbacae8, 0xba12e8, 0x827a08, 0xfeabf8, 0x00f800, 0xb77a58,
        0x4c0f28, 0x72d6b0, 0x6c2228, 0xdb6fc8, 0x00a340, 0xfed210, 0x829990, 0xba20e0, 0xbaab10,
        0xbab4e0, 0x8246e0, 0xfef510,
    ],
};

pub(crate) const BADGE: Symbol = Symbol {
    text: "HELLO FROM THE DEMO",
    rows: [
        0xfe8bf8, 0x82a208, 0xba6ae8, 0xbaa2e8, 0xba32e8, 0x824208, 0xfeabf8, 0x00b000, 0xb74258,
        0xa9ef78, 0x2391a0, 0x358c30, 0x7f1aa0, 0x00b430, 0xfe9dd8, 0x82a930, 0xba5900, 0xba8b50,
        0xbac6c0, 0x825340, 0xfe83d0,
    ],
};

/// Width and height of a scene, in pixels.
pub(crate) const SCENE: (usize, usize) = (480, 360);

/// The pixels of a scene with a symbol at a place, on a label that lies on something grey.
pub(crate) fn scene_of(symbol: &Symbol, (left, top): (usize, usize)) -> Vec<u8> {
    const MODULE: usize = 6;
    const QUIET: usize = 4;
    let pixel = |index: usize| {
        let (x, y) = (index % SCENE.0, index / SCENE.0);
        let module = |at: usize, start: usize| Some(at.checked_sub(start)? / MODULE);
        let (Some(column), Some(row)) = (module(x, left), module(y, top)) else { return 120 };
        let side = symbol.rows.len() + 2 * QUIET;
        if column >= side || row >= side {
            return 120;
        }
        let (column, row) = (column.wrapping_sub(QUIET), row.wrapping_sub(QUIET));
        let bits = symbol.rows.get(row).copied().unwrap_or(0);
        let is_dark = column < symbol.rows.len() && bits & (0x80_0000 >> column) != 0;
        if is_dark { 20 } else { 235 }
    };
    (0..SCENE.0 * SCENE.1).flat_map(|index| [pixel(index); 3]).collect()
}

/// The same as a JPEG.
pub(crate) fn jpeg_of(symbol: &Symbol, place: (usize, usize)) -> Vec<u8> {
    encode(&scene_of(symbol, place), SCENE.0, SCENE.1, Coding::default())
}

/// Side of a symbol with its quiet zone, in modules.
pub(crate) const SIDE: usize = 29;

/// A frame of this size that is grey except for symbols: each with its top left corner and the pixels of its modules.
pub(crate) fn frame_of(
    (width, height): (usize, usize),
    symbols: &[(&Symbol, (usize, usize), usize)],
) -> Vec<u8> {
    const QUIET: usize = 4;
    let mut pixels = vec![120; 3 * width * height];
    for (symbol, (left, top), module) in symbols {
        for index in 0..(SIDE * module).pow(2) {
            let (x, y) = (index % (SIDE * module), index / (SIDE * module));
            let (column, row) =
                ((x / module).wrapping_sub(QUIET), (y / module).wrapping_sub(QUIET));
            let bits = symbol.rows.get(row).copied().unwrap_or(0);
            let is_dark = column < symbol.rows.len() && bits & (0x80_0000 >> column) != 0;
            let grey = if is_dark { 20 } else { 235 };
            pixels[3 * ((top + y) * width + left + x)..][..3].fill(grey);
        }
    }
    encode(&pixels, width, height, Coding::default())
}
