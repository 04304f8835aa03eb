//! How well the bars of a product number (EAN, UPC) are those of its digits.
//!
//! The decoder takes the digit that is nearest, however far it is. Where a screen or a reduced image has shifted all edges
//! (a moiré pattern), whole rows agree on digits that no bar is the width of, and one text in ten has a check digit that
//! fits.

use rxing::BarcodeFormat;
use rxing::common::BitArray;

/// Widths of the bars and spaces of the digits, in modules (ISO/IEC 15420, number set A; set B is these backwards, and set C has
/// the widths of A).
const DIGITS: [[f32; 4]; 10] = [
    [3.0, 2.0, 1.0, 1.0],
    [2.0, 2.0, 2.0, 1.0],
    [2.0, 1.0, 2.0, 2.0],
    [1.0, 4.0, 1.0, 1.0],
    [1.0, 1.0, 3.0, 2.0],
    [1.0, 2.0, 3.0, 1.0],
    [1.0, 1.0, 1.0, 4.0],
    [1.0, 3.0, 1.0, 2.0],
    [1.0, 2.0, 1.0, 3.0],
    [3.0, 1.0, 1.0, 2.0],
];
/// Modules of a digit.
const MODULES: f32 = 7.0;
/// Most modules by which the four widths of a digit are off, together and on the average. Digits that were read from a
/// moiré pattern are off by more than one, as those of random bars are.
const MOST_OFF: f32 = 0.95;

/// Whether bars that this format was read from are near those of digits. `start` is a place in the first bar, or in the
/// space after it. `true` for formats that are not product numbers.
pub(super) fn are_digits(format: BarcodeFormat, bars: &BitArray, start: f32) -> bool {
    // Digits of the left and the right half, of bars and spaces each, and the guard bars between them.
    let (left, middle, right) = match format {
        BarcodeFormat::EAN_13 | BarcodeFormat::UPC_A => (6, 5, 6),
        BarcodeFormat::EAN_8 => (4, 5, 4),
        BarcodeFormat::UPC_E => (6, 0, 0),
        _ => return true,
    };
    let widths = widths_from(bars, start);
    let digits = |from: usize, count: usize| {
        let part = widths.get(from..from + 4 * count).unwrap_or_default();
        part.as_chunks::<4>().0.iter().copied()
    };
    // Both begin after a guard.
    let first = 3;
    let second = first + 4 * left + middle;
    let off: Vec<f32> = digits(first, left).chain(digits(second, right)).map(off).collect();
    off.len() == left + right && off.iter().sum::<f32>() <= MOST_OFF * off.len() as f32
}

/// The widths of bars and spaces from the bar that begins before a place on.
fn widths_from(bars: &BitArray, start: f32) -> Vec<f32> {
    let black: Vec<bool> = (0..bars.get_size()).map(|index| bars.get(index)).collect();
    let mut at = 0;
    let mut widths: Vec<f32> = Vec::new();
    for run in black.chunk_by(|a, b| a == b) {
        if run[0] && at as f32 <= start {
            widths.clear();
        }
        widths.push(run.len() as f32);
        at += run.len();
    }
    widths
}

/// How many modules these widths are off those of the nearest digit, together.
fn off(widths: [f32; 4]) -> f32 {
    let module = widths.iter().sum::<f32>() / MODULES;
    let from = |digit: &[f32; 4], backwards: bool| -> f32 {
        let nominal = |index: usize| digit[if backwards { 3 - index } else { index }];
        (0..4).map(|index| (widths[index] / module - nominal(index)).abs()).sum()
    };
    let distances = DIGITS.iter().flat_map(|digit| [from(digit, false), from(digit, true)]);
    distances.fold(f32::MAX, f32::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EAN-8 of eight digits of set A, each edge moved by a number of modules in turn.
    fn bars(shift: f32) -> (BitArray, f32) {
        const PIXELS: f32 = 10.0;
        let guard = [1.0; 3];
        let mut widths = guard.to_vec();
        widths.extend(DIGITS[..4].concat());
        widths.extend([1.0; 5]);
        widths.extend(DIGITS[4..8].concat());
        widths.extend(guard);
        let quiet = 9.0;
        let mut bars = BitArray::with_size(900);
        let mut at: f32 = quiet;
        for (index, width) in widths.iter().enumerate() {
            let moved =
                |at: f32, index: usize| at + if index.is_multiple_of(3) { shift } else { 0.0 };
            if index.is_multiple_of(2) {
                let ends = [moved(at, index), moved(at + width, index + 1)];
                let [from, to] = ends.map(|end| (end * PIXELS) as usize);
                (from..to).for_each(|pixel| bars.set(pixel));
            }
            at += width;
        }
        (bars, (quiet + 1.5) * PIXELS)
    }

    #[test]
    fn bars_of_no_digit_are_not_a_product_number() {
        let near = |shift: f32| {
            let (bars, start) = bars(shift);
            are_digits(BarcodeFormat::EAN_8, &bars, start)
        };
        assert!(near(0.0) && near(0.3));
        assert!(!near(0.7));
    }

    #[test]
    fn a_row_that_ends_early_is_not_a_product_number() {
        let (bars, start) = bars(0.0);
        assert!(!are_digits(BarcodeFormat::EAN_13, &bars, start));
        assert!(are_digits(BarcodeFormat::CODE_128, &bars, start));
    }
}
