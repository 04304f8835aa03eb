//! Planes are resized and converted to what a converted image is resized to.

use std::sync::Arc;
use std::time::Duration;

use framegate::stages::{
    DecodeError, DecodeLimits, Orientation, Preprocessor, RgbImage, Stage, YuvColours, YuvImage,
};
use framegate_models::detector::ResizeFilter;

use crate::support::yolox_input;

/// A frame whose colours change slowly from pixel to pixel, so that it matters little in which order it is resized
/// and converted.
fn frame(width: usize, height: usize, orientation: Orientation) -> YuvImage {
    let (chroma_width, chroma_height) = (width.div_ceil(2), height.div_ceil(2));
    let plane = |width: usize, height: usize, value: &dyn Fn(f64, f64) -> f64| -> Vec<u8> {
        let at = |index: usize, extent: usize| (index as f64 + 0.5) / extent as f64;
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        pixels.map(|(x, y)| value(at(x, width), at(y, height)).round() as u8).collect()
    };
    let planes = [
        plane(width, height, &|x, y| 60.0 + 100.0 * x + 40.0 * y),
        plane(chroma_width, chroma_height, &|x, _| 100.0 + 40.0 * x),
        plane(chroma_width, chroma_height, &|_, y| 150.0 - 50.0 * y),
    ];
    YuvImage {
        planes: Arc::new(planes),
        width,
        height,
        colours: YuvColours::new((0.299, 0.114), false),
        orientation,
        decoding: Duration::from_millis(7),
    }
}

/// The same frame, every pixel converted (ITU-R BT.601) with the chroma value that covers it.
fn converted(frame: &YuvImage) -> RgbImage {
    let [y, u, v] = &*frame.planes;
    let chroma_width = frame.width.div_ceil(2);
    let mut pixels = Vec::new();
    for row in 0..frame.height {
        for column in 0..frame.width {
            let chroma = row / 2 * chroma_width + column / 2;
            let luma = 255.0 / 219.0 * (f64::from(y[row * frame.width + column]) - 16.0);
            let (u, v) = (f64::from(u[chroma]) - 128.0, f64::from(v[chroma]) - 128.0);
            let rgb = [luma + 1.596 * v, luma - 0.392 * u - 0.813 * v, luma + 2.017 * u];
            pixels.extend(rgb.map(|value| value.round().clamp(0.0, 255.0) as u8));
        }
    }
    RgbImage { pixels, width: frame.width, height: frame.height, orientation: frame.orientation }
}

#[test]
fn planes_give_the_input_that_the_converted_image_gives() {
    for filter in
        [ResizeFilter::Bilinear, ResizeFilter::Antialiased, ResizeFilter::AntialiasedBicubic]
    {
        let mut input = yolox_input(64, 48);
        input.resize = filter;
        let mut preprocessor = Preprocessor::new(&input, DecodeLimits::DEFAULT);
        for (width, height) in [(200, 150), (201, 151), (64, 48), (40, 30), (150, 200)] {
            for orientation in [
                Orientation::Upright,
                Orientation::Rotate90,
                Orientation::Rotate180,
                Orientation::Rotate270,
            ] {
                let frame = frame(width, height, orientation);
                let (mut planes, mut image) = (vec![0.0; 3 * 64 * 48], vec![0.0; 3 * 64 * 48]);
                let from_planes = preprocessor.preprocess_yuv(&frame, &mut planes).unwrap();
                let from_image =
                    preprocessor.preprocess_image(&converted(&frame), &mut image).unwrap();
                assert_eq!(from_planes.transform, from_image.transform);
                assert_eq!(from_planes.times[Stage::Decode], Duration::from_millis(7));
                let worst =
                    planes.iter().zip(&image).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst <= 4.0, "{width}x{height} {orientation:?} {filter:?}: {worst}");
            }
        }
    }
}

#[test]
fn a_frame_over_a_limit_or_with_planes_cut_off_is_refused() {
    let limits = DecodeLimits { max_width: 100, ..DecodeLimits::DEFAULT };
    let mut preprocessor = Preprocessor::new(&yolox_input(64, 48), limits);
    let mut slot = vec![0.0; 3 * 64 * 48];
    let wide = preprocessor.preprocess_yuv(&frame(101, 10, Orientation::Upright), &mut slot);
    assert!(matches!(wide, Err(DecodeError::TooLarge { .. })), "{wide:?}");
    let mut cut = frame(100, 10, Orientation::Upright);
    Arc::make_mut(&mut cut.planes)[2].pop();
    let cut = preprocessor.preprocess_yuv(&cut, &mut slot);
    assert!(matches!(cut, Err(DecodeError::PixelCount { .. })), "{cut:?}");
    assert!(slot.iter().all(|value| *value == 0.0), "the slot is untouched");
}
