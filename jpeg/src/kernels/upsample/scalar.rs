//! Upsampling as libjpeg does it (`jdsample.c`): by a triangle filter, whose halves are rounded up and down
//! alternately so that nothing gets brighter, or by repetition.

/// Twice as many samples of a row of at least two.
pub(crate) fn double_across(row: &[u8], out: &mut [u8]) {
    filter(row.len(), |x| u32::from(row[x]), [1, 2], 2, out);
}

/// Twice as many samples of a row of at least two and of its neighbour, which counts a third as much.
pub(crate) fn double_both([near, far]: [&[u8]; 2], out: &mut [u8]) {
    assert_eq!(near.len(), far.len());
    let column = |x: usize| 3 * u32::from(near[x]) + u32::from(far[x]);
    filter(near.len(), column, [8, 7], 4, out);
}

/// Three quarters of each sample and a quarter of the next on either side; the sides repeat the outermost.
#[inline(always)]
fn filter(
    length: usize,
    sample: impl Fn(usize) -> u32,
    bias: [u32; 2],
    shift: u32,
    out: &mut [u8],
) {
    assert_eq!(out.len(), 2 * length);
    for (x, out) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let this = 3 * sample(x);
        let (before, after) = (sample(x.saturating_sub(1)), sample((x + 1).min(length - 1)));
        *out =
            [((this + before + bias[0]) >> shift) as u8, ((this + after + bias[1]) >> shift) as u8];
    }
}

/// Three quarters of a row and a quarter of its neighbour.
pub(crate) fn double_down([near, far]: [&[u8]; 2], bias: u16, out: &mut [u8]) {
    for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
        *out = ((3 * u16::from(near) + u16::from(far) + bias) >> 2) as u8;
    }
}

/// The nearest sample for each pixel, where `samples` stand for `pixels`.
pub(crate) fn repeat(row: &[u8], (samples, pixels): (usize, usize), out: &mut [u8]) {
    if pixels.is_multiple_of(samples) {
        for (out, &sample) in out.chunks_mut(pixels / samples).zip(row) {
            out.fill(sample);
        }
    } else {
        for (x, out) in out.iter_mut().enumerate() {
            *out = row[x * samples / pixels];
        }
    }
}
