//! Compares every vector kernel with its scalar twin, and our resize with a library's.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions};
use framegate::stages::{FrameTransform, Normaliser, Resizer, RgbView};
use framegate_cpu::Level;
use framegate_models::Size;
use framegate_models::detector::{ChannelOrder, Fit, ImageInput, LetterboxAlign, ResizeFilter};

use crate::support::dirty_slot;
use crate::support::jpeg::largest_difference;

fn noise(random: &mut fastrand::Rng, width: usize, height: usize) -> Vec<u8> {
    (0..width * height * 3).map(|_| random.u8(..)).collect()
}

/// Sizes below, at and above the vector length of each kernel, then larger ones; few are a multiple of it.
fn extents(random: &mut fastrand::Rng, round: usize) -> [usize; 4] {
    let limit = if round < 300 { 40 } else { 300 };
    [(); 4].map(|()| random.usize(1..=limit))
}

/// The levels to compare with the scalar twin: none where there is no vector code for this processor.
fn vector_levels() -> Vec<Level> {
    let levels: Vec<_> =
        Level::available().into_iter().filter(|level| *level != Level::Portable).collect();
    if levels.is_empty() {
        #[cfg(target_arch = "x86_64")]
        assert!(
            !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
            "this processor has AVX2, but no kernel to test was found"
        );
        eprintln!("skipped: there are no vector kernels for this processor");
    }
    levels
}

#[test]
fn resize_kernels_match_the_scalar_twin() {
    let mut random = fastrand::Rng::with_seed(2);
    let levels = vector_levels();
    let mut scalar = Resizer::with_level(Level::Portable);
    let mut vector: Vec<_> = levels.iter().map(|&level| Resizer::with_level(level)).collect();
    let (mut expected, mut actual) = (vec![], vec![]);
    for round in 0..400 {
        let [width, height, new_width, new_height] = extents(&mut random, round);
        let pixels = noise(&mut random, width, height);
        let source = RgbView { pixels: &pixels, width, height };
        scalar.resize(source, new_width, new_height, &mut expected);
        for (resizer, level) in vector.iter_mut().zip(&levels) {
            actual.clear();
            resizer.resize(source, new_width, new_height, &mut actual);
            assert!(actual == expected, "{level:?}, {width}x{height} to {new_width}x{new_height}");
        }
    }
}

#[test]
fn normalise_kernels_match_the_scalar_twin() {
    let mut random = fastrand::Rng::with_seed(3);
    let levels = vector_levels();
    for round in 0..400 {
        let [width, height, right, bottom] = extents(&mut random, round);
        let pixels = noise(&mut random, width, height);
        let image = RgbView { pixels: &pixels, width, height };
        let (left, top) = (random.usize(0..=right), random.usize(0..=bottom));
        let input = ImageInput {
            width: width + right,
            height: height + bottom,
            channel_order: *random.choice(&[ChannelOrder::Rgb, ChannelOrder::Bgr]).unwrap(),
            mean: [(); 3].map(|()| random.f32() * 255.0),
            scale: [(); 3].map(|()| random.f32()),
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
            fit: Fit::Letterbox { placement: LetterboxAlign::Centre, fill: random.u8(..) },
        };
        let frame = Size { width, height };
        let transform =
            FrameTransform { width, height, left, top, ..FrameTransform::of(frame, &input) };
        let run = |level| {
            let mut slot = dirty_slot(&input);
            Normaliser::with_level(&input, level).normalise(image, &transform, &mut slot);
            slot
        };
        let expected = run(Level::Portable);
        assert!(expected.iter().all(|value| value.is_finite()), "some values were not written");
        for &level in &levels {
            assert!(run(level) == expected, "{level:?}, {width}x{height} at {left}, {top}");
        }
    }
}

#[test]
fn resize_agrees_with_fast_image_resize() {
    let mut random = fastrand::Rng::with_seed(4);
    let mut theirs = fast_image_resize::Resizer::new();
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Interpolation(FilterType::Bilinear));
    let mut ours = Resizer::new();
    let mut actual = vec![];
    for round in 0..400 {
        let [width, height, new_width, new_height] = extents(&mut random, round);
        let pixels = noise(&mut random, width, height);
        ours.resize(RgbView { pixels: &pixels, width, height }, new_width, new_height, &mut actual);

        let [w, h, new_w, new_h] = [width, height, new_width, new_height].map(|n| n as u32);
        // Typed views, because dynamic ones compile every pixel type of the library into this test.
        let source = TypedImageRef::<U8x3>::from_buffer(w, h, &pixels).unwrap();
        let mut expected = vec![0; actual.len()];
        let mut view = TypedImage::<U8x3>::from_buffer(new_w, new_h, &mut expected).unwrap();
        theirs.resize_typed(&source, &mut view, &options).unwrap();
        let difference = largest_difference(&actual, &expected);
        assert!(
            difference <= 1,
            "{width}x{height} to {new_width}x{new_height} differs by {difference}"
        );
    }
}
