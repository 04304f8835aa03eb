//! The definition of the right answer. No fused multiply-add: it would round differently.

/// `(level − mean) · scale` of each pixel's red, green and blue into their rows.
pub(super) fn normalise_row(pixels: &[u8], mean: [f32; 3], scale: [f32; 3], rows: [&mut [f32]; 3]) {
    for (channel, row) in rows.into_iter().enumerate() {
        for (pixel, value) in pixels.as_chunks::<3>().0.iter().zip(row) {
            *value = (f32::from(pixel[channel]) - mean[channel]) * scale[channel];
        }
    }
}
