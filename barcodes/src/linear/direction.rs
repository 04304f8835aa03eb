//! The direction in which bars are crossed.

use std::f32::consts::{FRAC_PI_2, PI};

use crate::grey::GreyImage;

/// Directions that are distinguished, over half a circle.
const BINS: usize = 90;
/// Of larger images every second row is looked at, or fewer: directions are those of edges that cross many rows.
const PIXELS: usize = 200_000;
/// Squares of smaller gradients are noise, and have any direction.
const LEAST_SQUARE: f32 = 400.0;

/// Directions of scan lines, in radians clockwise from the x axis, the likeliest first. A code that is seen from the side is
/// crossed whole along its longer axis, not at right angles to its bars.
pub(super) fn candidates(image: &GreyImage) -> [f32; 6] {
    let across = across_the_bars(image);
    let axis = if image.width >= image.height { 0.0 } else { FRAC_PI_2 };
    let off = (across - axis + FRAC_PI_2).rem_euclid(PI) - FRAC_PI_2;
    let turn = 3.0_f32.to_radians();
    let beyond = axis - turn.copysign(off);
    [across, axis, axis + off / 2.0, across + turn, across - turn, beyond]
}

/// The direction in which an image changes most often, in radians clockwise from the x axis, from -π/2 to π/2: the peak of the
/// histogram of its gradients' directions, weighted by their squares. Writing and edges beside a code have other directions,
/// but no other as much.
pub(crate) fn across_the_bars(image: &GreyImage) -> f32 {
    let GreyImage { width, height, .. } = *image;
    let mut weights = [0.0_f32; BINS];
    let step = (width * height).div_ceil(PIXELS).max(1);
    for above in (0..height.saturating_sub(2)).step_by(step) {
        let rows = &image.pixels[above * width..(above + 3) * width];
        for left in 0..width.saturating_sub(2) {
            let pixel = |x: usize, y: usize| f32::from(rows[y * width + left + x]);
            // Scharr's operator, whose directions are right even where edges are steps of pixels.
            let weighted = |a: f32, b: f32, c: f32| (3.0 * (a + c) + 10.0 * b) / 16.0;
            let column = |x: usize| weighted(pixel(x, 0), pixel(x, 1), pixel(x, 2));
            let row = |y: usize| weighted(pixel(0, y), pixel(1, y), pixel(2, y));
            let (across, down) = (column(2) - column(0), row(2) - row(0));
            let strength = across * across + down * down;
            if strength >= LEAST_SQUARE {
                let turn = (down.atan2(across) / PI).rem_euclid(1.0);
                weights[(turn * BINS as f32) as usize % BINS] += strength;
            }
        }
    }
    // Neighbours count half, so that a peak on the border of two bins is one.
    let weight = |bin: usize| weights[bin % BINS];
    let smooth = |bin: usize| weight(bin) + 0.5 * (weight(bin + BINS - 1) + weight(bin + 1));
    let peak = (0..BINS).max_by(|&a, &b| smooth(a).total_cmp(&smooth(b))).unwrap_or(0);
    // The centre of gravity of the peak and its neighbours.
    let (before, at, after) = (weight(peak + BINS - 1), weight(peak), weight(peak + 1));
    let shift = (after - before) / (before + at + after).max(f32::MIN_POSITIVE);
    let turn = (peak as f32 + 0.5 + shift) / BINS as f32;
    (if turn > 0.5 { turn - 1.0 } else { turn }) * PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_at_any_slant_are_crossed_at_right_angles() {
        for degrees in [0.0_f32, 20.0, 45.0, 80.0, -30.0, -89.0] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let pixels = (0..64 * 64).map(|index| {
                let (x, y) = ((index % 64) as f32, (index / 64) as f32);
                (128.0 + 100.0 * ((x * cos + y * sin) * 0.7).sin()) as u8
            });
            let image = GreyImage { pixels: pixels.collect(), width: 64, height: 64 };
            let found = across_the_bars(&image).to_degrees();
            assert!((found - degrees).abs() < 1.5, "{degrees}: {found}");
        }
    }
}
