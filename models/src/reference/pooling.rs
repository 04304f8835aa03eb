//! The largest element and the mean under a sliding window.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{AveragePool, Window};

use super::scalar::maximum;
use super::{floats, nchw, rounded};

pub(super) fn max_pool(window: &Window, x: &HostTensor) -> HostTensor {
    pool(window, [0, 0], x, |plane, rows, columns| {
        let elements = inside(rows, columns).filter_map(|position| plane.at(position));
        elements.fold(f64::NEG_INFINITY, maximum)
    })
}

pub(super) fn average_pool(pool_of: &AveragePool, x: &HostTensor) -> HostTensor {
    let AveragePool { window, count_padding, overhang } = pool_of;
    let padding = window.padding;
    pool(window, *overhang, x, |plane, rows, columns| {
        let before_overhang = |position: &[isize; 2]| {
            position[0] < (plane.height + padding.bottom) as isize
                && position[1] < (plane.width + padding.right) as isize
        };
        let positions = inside(rows, columns).filter(before_overhang);
        let sum: f64 = positions.clone().filter_map(|position| plane.at(position)).sum();
        let counted =
            positions.filter(|position| *count_padding || plane.at(*position).is_some()).count();
        // A window over nothing but padding has no mean; ONNX Runtime makes it 0.
        if counted == 0 { 0.0 } else { sum / counted as f64 }
    })
}

/// One channel of one image.
struct Plane<'a> {
    elements: &'a [f32],
    height: usize,
    width: usize,
}

impl Plane<'_> {
    /// The element at `[row, column]`, if that is not in the padding.
    fn at(&self, [row, column]: [isize; 2]) -> Option<f64> {
        let inside =
            (0..self.height as isize).contains(&row) && (0..self.width as isize).contains(&column);
        inside.then(|| self.elements[row as usize * self.width + column as usize].into())
    }
}

/// Every position of a window from its rows and columns.
fn inside<'a>(
    rows: &'a [isize],
    columns: &'a [isize],
) -> impl Iterator<Item = [isize; 2]> + Clone + 'a {
    rows.iter().flat_map(|row| columns.iter().map(move |column| [*row, *column]))
}

/// Applies `combine` to the rows and columns of every window; they may lie in the padding.
fn pool(
    window: &Window,
    overhang: [usize; 2],
    x: &HostTensor,
    combine: impl Fn(&Plane<'_>, &[isize], &[isize]) -> f64,
) -> HostTensor {
    let Window { kernel, stride, dilation, padding } = window;
    let [batch, channels, height, width] = nchw(x);
    let windows = |extent: usize, axis: usize| -> Vec<Vec<isize>> {
        let before = [padding.top, padding.left][axis];
        let after = [padding.bottom, padding.right][axis] + overhang[axis];
        let reach = dilation[axis] * (kernel[axis] - 1) + 1;
        (0..=(before + extent + after - reach) / stride[axis])
            .map(|window| {
                let tap = |tap| (window * stride[axis] + tap * dilation[axis]) as isize;
                (0..kernel[axis]).map(|index| tap(index) - before as isize).collect()
            })
            .collect()
    };
    let (rows, columns) = (windows(height, 0), windows(width, 1));
    let mut result = Vec::with_capacity(batch * channels * rows.len() * columns.len());
    for index in 0..batch * channels {
        let elements = &floats(x)[index * height * width..][..height * width];
        let plane = Plane { elements, height, width };
        for row in &rows {
            result.extend(columns.iter().map(|column| combine(&plane, row, column)));
        }
    }
    rounded([batch, channels, rows.len(), columns.len()], result)
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::Padding;

    use super::*;

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
            average_pool(&AveragePool { window, count_padding, overhang }, &x)
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
