//! Interpolating a picture to another size.

use framegate_backend_api::graph::{Resize, ResizeMode};

use super::Operation;

/// Where along one axis a result element comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blend {
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    /// From 0 to 1; the other weighs the rest.
    pub(crate) upper_weight: f64,
}

pub(super) fn resize(resize: &Resize, [_, channels, height, width]: [usize; 4]) -> Operation {
    let rows = blends(resize, 0, height);
    let columns = blends(resize, 1, width);
    Box::new(move |operands| {
        let x = operands.floats(0);
        let results = operands.float_output();
        if x.is_empty() {
            // A picture without pixels has nothing to interpolate.
            return results.fill(0.0);
        }
        let mut results = results.iter_mut();
        for plane in x.chunks_exact(height * width).take(channels) {
            for row in &rows {
                for (column, result) in columns.iter().zip(results.by_ref()) {
                    let across = |y: usize| {
                        let line = &plane[y * width..][..width];
                        mix(line[column.lower].into(), line[column.upper].into(), column)
                    };
                    *result = mix(across(row.lower), across(row.upper), row) as f32;
                }
            }
        }
    })
}

/// Keeps infinite elements clean where only one of the two counts.
fn mix(lower: f64, upper: f64, blend: &Blend) -> f64 {
    if blend.upper_weight == 0.0 { lower } else { lower + (upper - lower) * blend.upper_weight }
}

/// Where the elements along an axis come from, of a picture of that extent.
pub(crate) fn blends(resize: &Resize, axis: usize, extent: usize) -> Vec<Blend> {
    let last = extent.saturating_sub(1);
    let blend = |position: usize| {
        let source = resize.source_position(axis, extent, position);
        match resize.mode {
            ResizeMode::Nearest(rounding) => {
                let nearest = rounding.nearest(source, extent);
                Blend { lower: nearest, upper: nearest, upper_weight: 0.0 }
            }
            ResizeMode::Linear => {
                let source = f64::from(source).clamp(0.0, last as f64);
                let lower = source as usize;
                Blend { lower, upper: (lower + 1).min(last), upper_weight: source - lower as f64 }
            }
        }
    };
    (0..resize.size[axis]).map(blend).collect()
}
