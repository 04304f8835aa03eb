//! Conversion of colours, with the roundings of libjpeg (`jdcolor.c`): fixed-point numbers of 16 bits.

/// Red, green and blue of a pixel (JFIF, ITU-R BT.601).
#[inline(always)]
fn rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let [y, cb, cr] = [i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128];
    let half = 1 << 15;
    let red = y + ((91881 * cr + half) >> 16);
    let green = y + ((-22554 * cb - 46802 * cr + half) >> 16);
    let blue = y + ((116_130 * cb + half) >> 16);
    [red, green, blue].map(|value| value.clamp(0, 255) as u8)
}

/// Red, green and blue of inks that are stored as what they leave of the light.
#[inline(always)]
fn under_black(inks: [u8; 3], black: u8) -> [u8; 3] {
    inks.map(|ink| ((u32::from(ink) * u32::from(black) * 2 + 255) / 510) as u8)
}

/// Brightness (ITU-R BT.601).
#[inline(always)]
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let [red, green, blue] = [red, green, blue].map(u32::from);
    ((19595 * red + 38470 * green + 7471 * blue + (1 << 15)) >> 16) as u8
}

/// The inks that YCCK stores: what is left of the light is what their YCbCr takes away.
#[inline(always)]
fn inks(ycc: [u8; 3]) -> [u8; 3] {
    rgb(ycc).map(|value| 255 - value)
}

#[inline(always)]
fn each<const N: usize, const M: usize>(
    rows: [&[u8]; N],
    out: &mut [u8],
    pixel: impl Fn([u8; N]) -> [u8; M],
) {
    let (pixels, _) = out.as_chunks_mut::<M>();
    let rows = rows.map(|row| &row[..pixels.len()]);
    for (x, out) in pixels.iter_mut().enumerate() {
        *out = pixel(rows.map(|row| row[x]));
    }
}

pub(crate) fn ycc_to_rgb(rows: [&[u8]; 3], out: &mut [u8]) {
    each(rows, out, rgb);
}

pub(crate) fn interleave(rows: [&[u8]; 3], out: &mut [u8]) {
    each(rows, out, |pixel| pixel);
}

pub(crate) fn cmyk_to_rgb(rows: [&[u8]; 4], out: &mut [u8]) {
    each(rows, out, |[c, m, y, k]| under_black([c, m, y], k));
}

pub(crate) fn ycck_to_rgb(rows: [&[u8]; 4], out: &mut [u8]) {
    each(rows, out, |[y, cb, cr, k]| under_black(inks([y, cb, cr]), k));
}

pub(crate) fn rgb_to_luma(rows: [&[u8]; 3], out: &mut [u8]) {
    each(rows, out, |pixel| [luma(pixel)]);
}

pub(crate) fn cmyk_to_luma(rows: [&[u8]; 4], out: &mut [u8]) {
    each(rows, out, |[c, m, y, k]| [luma(under_black([c, m, y], k))]);
}

pub(crate) fn ycck_to_luma(rows: [&[u8]; 4], out: &mut [u8]) {
    each(rows, out, |[y, cb, cr, k]| [luma(under_black(inks([y, cb, cr]), k))]);
}
