//! The largest element and the mean under a sliding window.

use framegate_backend_api::graph::{AveragePool, Window};

use crate::Operation;
use crate::arithmetic::{maximum, sum};
use crate::windows::{Tap, Windows};

pub(crate) fn max_pool(window: &Window, x: [usize; 4], result: [usize; 4]) -> Operation {
    let place = |taps: Vec<Vec<Tap>>| taps.into_iter().map(|taps| Place { taps, counted: 0 });
    let [rows, columns] = axes(window);
    let rows = place(rows.gather(x[2], result[2])).collect();
    let columns = place(columns.gather(x[3], result[3])).collect();
    pool(x, rows, columns, |elements, _| elements.fold(f64::NEG_INFINITY, maximum))
}

pub(crate) fn average_pool(
    parameters: &AveragePool,
    x: [usize; 4],
    result: [usize; 4],
) -> Operation {
    let AveragePool { window, count_padding, .. } = parameters;
    let after = [window.padding.bottom, window.padding.right];
    let places = |windows: Windows, axis: usize| -> Vec<Place> {
        let extent = x[2 + axis];
        // From here on it is the overhang, which never counts.
        let end = windows.padding + extent + after[axis];
        let taps = windows.gather(extent, result[2 + axis]);
        let before_end = |window: usize| {
            (0..windows.kernel).filter(|tap| windows.padded_position(window, *tap) < end).count()
        };
        taps.into_iter()
            .enumerate()
            .map(|(window, taps)| {
                let counted = if *count_padding { before_end(window) } else { taps.len() };
                Place { taps, counted }
            })
            .collect()
    };
    let [rows, columns] = axes(window);
    pool(x, places(rows, 0), places(columns, 1), |elements, count| {
        // A window over nothing but padding has no mean; ONNX Runtime makes it 0.
        if count == 0 { 0.0 } else { sum(elements) / count as f64 }
    })
}

/// Where a window is along one axis.
struct Place {
    taps: Vec<Tap>,
    /// Taps that count in a mean, some of which may be in the padding.
    counted: usize,
}

/// The windows along rows and along columns.
fn axes(window: &Window) -> [Windows; 2] {
    let before = [window.padding.top, window.padding.left];
    [0, 1].map(|axis| Windows {
        kernel: window.kernel[axis],
        stride: window.stride[axis],
        dilation: window.dilation[axis],
        padding: before[axis],
    })
}

/// Applies `combine` to the elements under every window, and to the number of taps that count.
fn pool(
    [batch, channels, height, width]: [usize; 4],
    rows: Vec<Place>,
    columns: Vec<Place>,
    combine: impl Fn(&mut dyn Iterator<Item = f64>, usize) -> f64 + Send + Sync + 'static,
) -> Operation {
    Operation::new(move |operands| {
        let x = operands.floats(0);
        let mut results = operands.float_result().iter_mut();
        for plane in 0..batch * channels {
            let plane = &x[plane * height * width..][..height * width];
            for row in &rows {
                for (column, result) in columns.iter().zip(results.by_ref()) {
                    let mut elements = row.taps.iter().flat_map(|row| {
                        let line = &plane[row.element * width..][..width];
                        column.taps.iter().map(|column| f64::from(line[column.element]))
                    });
                    *result = combine(&mut elements, row.counted * column.counted) as f32;
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Operator, Padding};

    use super::*;
    use crate::evaluate::single;

    fn max_pool(window: &Window, x: &HostTensor) -> HostTensor {
        single(Operator::MaxPool(window.clone()), &[x])
    }

    fn average_pool(parameters: AveragePool, x: &HostTensor) -> HostTensor {
        single(Operator::AveragePool(parameters), &[x])
    }

    fn window(kernel: [usize; 2], stride: [usize; 2], padding: Padding) -> Window {
        Window { kernel, stride, dilation: [1, 1], padding }
    }

    fn row(elements: &[f32]) -> HostTensor {
        HostTensor::from_f32([1, 1, 1, elements.len()], elements.to_vec())
    }

    const SIDES: Padding = Padding { top: 0, left: 1, bottom: 0, right: 1 };

    #[test]
    fn padding_never_wins() {
        let result = max_pool(&window([1, 2], [1, 2], SIDES), &row(&[-3.0, -1.0, -2.0, -4.0]));
        assert_eq!(result, row(&[-3.0, -1.0, -4.0]));
    }

    #[test]
    fn dilated_windows_skip_elements() {
        let dilated = Window { dilation: [1, 2], ..window([1, 2], [1, 1], Padding::default()) };
        assert_eq!(max_pool(&dilated, &row(&[1.0, 9.0, 2.0, 3.0])), row(&[2.0, 9.0]));
    }

    #[test]
    fn mean_with_and_without_padding_and_overhang() {
        let x = row(&[2.0, 4.0, 6.0, 8.0]);
        let mean = |count_padding, overhang| {
            let window = window([1, 3], [1, 2], SIDES);
            average_pool(AveragePool { window, count_padding, overhang }, &x)
        };
        // Windows {pad, 2, 4}, {4, 6, 8} and, into the overhang, {8, pad, overhang}.
        assert_eq!(mean(false, [0, 0]), row(&[3.0, 6.0]));
        assert_eq!(mean(true, [0, 0]), row(&[2.0, 6.0]));
        assert_eq!(mean(false, [0, 1]), row(&[3.0, 6.0, 8.0]));
        assert_eq!(mean(true, [0, 1]), row(&[2.0, 6.0, 4.0]));
    }

    #[test]
    fn windows_slide_in_both_directions() {
        let x = HostTensor::from_f32([1, 1, 3, 3], (1..=9).map(|x| x as f32).collect());
        let result = max_pool(&window([2, 2], [1, 1], Padding::default()), &x);
        assert_eq!(result, HostTensor::from_f32([1, 1, 2, 2], vec![5.0, 6.0, 8.0, 9.0]));
    }
}
