//! The definition of the right answer. It has no fused multiply-add, which would round differently.

/// Writes `(value − mean) · scale` of each pixel's red, green and blue to their rows.
pub(super) fn normalise_row(pixels: &[u8], mean: [f32; 3], scale: [f32; 3], rows: [&mut [f32]; 3]) {
    for (channel, row) in rows.into_iter().enumerate() {
        for (pixel, out) in pixels.as_chunks::<3>().0.iter().zip(row) {
            *out = (f32::from(pixel[channel]) - mean[channel]) * scale[channel];
        }
    }
}
