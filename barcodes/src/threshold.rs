//! Grey to black and white.

use crate::grey::GreyImage;

/// The grey value that best separates dark from bright: dark values are below it. Of all thresholds, it has the greatest
/// variance between the two classes (N. Otsu, 1979).
pub(crate) fn otsu(image: &GreyImage) -> u8 {
    let mut counts = [0_u32; 256];
    for &value in &image.pixels {
        counts[usize::from(value)] += 1;
    }
    let weighted = |(value, &count): (usize, &u32)| value as f64 * f64::from(count);
    let all = image.pixels.len() as f64;
    let sum: f64 = counts.iter().enumerate().map(weighted).sum();
    let (mut dark, mut dark_sum) = (0.0, 0.0);
    let (mut threshold, mut greatest) = (0, 0.0);
    for (value, count) in counts.iter().enumerate().take(255) {
        dark += f64::from(*count);
        dark_sum += weighted((value, count));
        let bright = all - dark;
        if dark == 0.0 || bright == 0.0 {
            continue;
        }
        let apart = dark_sum / dark - (sum - dark_sum) / bright;
        let variance = dark * bright * apart * apart;
        if variance > greatest {
            (threshold, greatest) = (value as u8 + 1, variance);
        }
    }
    threshold
}

/// Black where a pixel is darker than the mean around it, white elsewhere: for uneven light.
pub(crate) fn by_local_mean(image: &GreyImage) -> GreyImage {
    below_local_mean(image, 100)
}

/// Black where a pixel is darker than this percentage of the mean around it, white elsewhere. With less than 100, plain
/// paper is white although it is noisy.
pub(crate) fn below_local_mean(image: &GreyImage, percentage: u64) -> GreyImage {
    let GreyImage { width, height, .. } = *image;
    let reach = (width.min(height) / 16).max(3);
    // sums[y][x]: of the pixels above and left of a corner.
    let stride = width + 1;
    let mut sums = vec![0_u32; stride * (height + 1)];
    for (y, row) in image.pixels.chunks_exact(width).enumerate() {
        let mut sum = 0;
        for (x, &value) in row.iter().enumerate() {
            sum += u32::from(value);
            sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + sum;
        }
    }
    let black_or_white = |index: usize| {
        let (x, y) = (index % width, index / width);
        let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(width));
        let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(height));
        let at = |x: usize, y: usize| sums[y * stride + x];
        let sum = at(right, bottom) + at(left, top) - at(right, top) - at(left, bottom);
        let count = ((right - left) * (bottom - top)) as u32;
        let own = u64::from(image.pixels[index]) * u64::from(count) * 100;
        let is_dark = own < u64::from(sum) * percentage;
        if is_dark { 0 } else { 255 }
    };
    GreyImage { pixels: (0..width * height).map(black_or_white).collect(), width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_and_bright_are_separated_between_them() {
        let pixels = (0..100).map(|index| if index % 3 == 0 { 30 } else { 90 }).collect();
        let threshold = otsu(&GreyImage { pixels, width: 10, height: 10 });
        assert!((31..=90).contains(&threshold), "{threshold}");
    }

    #[test]
    fn uneven_light_makes_no_difference_to_the_local_mean() {
        // Stripes of eight pixels on a ramp that is steeper than their contrast.
        let is_dark = |x: usize| x / 8 % 2 == 1;
        let value = |x: usize| (x + if is_dark(x) { 0 } else { 40 }) as u8;
        let pixels = (0..64 * 200).map(|index| value(index % 200)).collect();
        let image = by_local_mean(&GreyImage { pixels, width: 200, height: 64 });
        for x in (12..188).step_by(8) {
            assert_eq!(image.pixels[32 * 200 + x] == 0, is_dark(x), "{x}");
        }
    }
}
