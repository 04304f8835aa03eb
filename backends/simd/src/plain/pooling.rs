//! The largest element and the mean under a sliding window.

use framegate_backend_api::graph::{AveragePool, Window};

use super::Operation;
use super::convolution::position;
use super::scalar::maximum;

/// One place of a window over a plane.
struct Place<'a> {
    window: &'a Window,
    plane: &'a [f32],
    extents: [usize; 2],
    row: usize,
    column: usize,
}

impl Place<'_> {
    /// Taps of the window as positions counted from the first row and column of the padding, with
    /// the element there, if it is not padding.
    fn taps(&self) -> impl Iterator<Item = ([usize; 2], Option<f64>)> {
        let Window { kernel, stride, dilation, padding } = *self.window;
        (0..kernel[0]).flat_map(move |tap_row| {
            let y =
                position(self.row, stride[0], tap_row, dilation[0], padding.top, self.extents[0]);
            (0..kernel[1]).map(move |tap_column| {
                let x = position(
                    self.column,
                    stride[1],
                    tap_column,
                    dilation[1],
                    padding.left,
                    self.extents[1],
                );
                let at = [
                    self.row * stride[0] + tap_row * dilation[0],
                    self.column * stride[1] + tap_column * dilation[1],
                ];
                let element = y.zip(x).map(|(y, x)| self.plane[y * self.extents[1] + x].into());
                (at, element)
            })
        })
    }
}

pub(super) fn max_pool(window: &Window, x: [usize; 4], result: [usize; 4]) -> Operation {
    pool(window, x, result, |place| {
        place.taps().filter_map(|(_, element)| element).fold(f64::NEG_INFINITY, maximum)
    })
}

pub(super) fn average_pool(
    parameters: &AveragePool,
    x: [usize; 4],
    result: [usize; 4],
) -> Operation {
    let AveragePool { window, count_padding, .. } = parameters.clone();
    let Window { padding, .. } = window;
    // From here on it is what `ceil_mode` adds, which never counts.
    let end = [padding.top + x[2] + padding.bottom, padding.left + x[3] + padding.right];
    pool(&parameters.window, x, result, move |place| {
        let (mut sum, mut count) = (0.0, 0_usize);
        for (at, element) in place.taps() {
            sum += element.unwrap_or(0.0);
            let counts = at[0] < end[0] && at[1] < end[1] && (count_padding || element.is_some());
            count += usize::from(counts);
        }
        // A window over nothing but padding has no mean; ONNX Runtime makes it 0.
        if count == 0 { 0.0 } else { sum / count as f64 }
    })
}

fn pool(
    window: &Window,
    [_, channels, height, width]: [usize; 4],
    [_, _, result_height, result_width]: [usize; 4],
    combine: impl Fn(&Place<'_>) -> f64 + Send + Sync + 'static,
) -> Operation {
    let window = window.clone();
    Box::new(move |operands| {
        let x = operands.floats(0);
        let results = operands.float_output();
        for channel in 0..channels {
            let plane = &x[channel * height * width..][..height * width];
            for row in 0..result_height {
                let line = (channel * result_height + row) * result_width;
                for (column, result) in results[line..][..result_width].iter_mut().enumerate() {
                    let extents = [height, width];
                    let place = Place { window: &window, plane, extents, row, column };
                    *result = combine(&place) as f32;
                }
            }
        }
    })
}
