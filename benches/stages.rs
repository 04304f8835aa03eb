//! The stages before the network, one frame at a time: `cargo bench --bench stages`.

use divan::{Bencher, black_box};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions};
use framegate::stages::{
    DecodeLimits, Decoder, FrameTransform, Normaliser, Resizer, RgbImage, RgbView,
};
use framegate_cpu::Level;
use framegate_models::Size;
use framegate_models::detector::{ChannelOrder, Fit, ImageInput, LetterboxAlign, ResizeFilter};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Width and height of frames as they come.
const FRAMES: [(usize, usize); 3] = [(640, 480), (1280, 720), (1920, 1080)];

fn main() {
    divan::main();
}

fn input() -> ImageInput {
    ImageInput {
        width: 416,
        height: 416,
        channel_order: ChannelOrder::Bgr,
        mean: [0.0; 3],
        scale: [1.0; 3],
        fit: Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 114 },
        resize: ResizeFilter::Bilinear,
        decode_scale: None,
    }
}

/// Slopes with some noise, so that a JPEG has something to code.
fn pixels((width, height): (usize, usize)) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    (0..height)
        .flat_map(|y| (0..width).map(move |x| [x / 8, y / 8, (x + y) / 16]))
        .flatten()
        .map(|level| (level as u8) ^ random.u8(0..16))
        .collect()
}

fn placement((width, height): (usize, usize)) -> FrameTransform {
    FrameTransform::of(Size { width, height }, &input())
}

#[divan::bench(args = FRAMES)]
fn decode(bencher: Bencher, frame: (usize, usize)) {
    let mut jpeg = vec![];
    let mut encoder = Encoder::new(&mut jpeg, 85);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder
        .encode(&pixels(frame), frame.0 as u16, frame.1 as u16, ColorType::Rgb)
        .expect("the image is valid");
    let mut decoder = Decoder::new(DecodeLimits::DEFAULT);
    let mut image = RgbImage::default();
    bencher.bench_local(|| decoder.decode(black_box(&jpeg), &mut image));
}

fn resize(bencher: Bencher, frame: (usize, usize), level: Level) {
    let pixels = pixels(frame);
    let source = RgbView { pixels: &pixels, width: frame.0, height: frame.1 };
    let FrameTransform { width, height, .. } = placement(frame);
    let mut resizer = Resizer::with_level(level);
    let mut resized = vec![];
    bencher.bench_local(|| resizer.resize(black_box(source), width, height, &mut resized));
}

#[divan::bench(args = FRAMES)]
fn resize_portable(bencher: Bencher, frame: (usize, usize)) {
    resize(bencher, frame, Level::Portable);
}

#[cfg(target_arch = "x86_64")]
#[divan::bench(args = FRAMES)]
fn resize_avx2(bencher: Bencher, frame: (usize, usize)) {
    if let Some(level) = avx2() {
        resize(bencher, frame, level);
    }
}

#[cfg(target_arch = "x86_64")]
#[divan::bench(args = FRAMES)]
fn resize_avx512(bencher: Bencher, frame: (usize, usize)) {
    if let Some(level) = avx512() {
        resize(bencher, frame, level);
    }
}

#[divan::bench(args = FRAMES)]
fn resize_fast_image_resize(bencher: Bencher, frame: (usize, usize)) {
    let pixels = pixels(frame);
    let (width, height) = (frame.0 as u32, frame.1 as u32);
    let source = TypedImageRef::<U8x3>::from_buffer(width, height, &pixels).expect("sizes agree");
    let FrameTransform { width, height, .. } = placement(frame);
    let mut resized = TypedImage::<U8x3>::new(width as u32, height as u32);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Interpolation(FilterType::Bilinear));
    let mut resizer = fast_image_resize::Resizer::new();
    bencher.bench_local(|| resizer.resize_typed(black_box(&source), &mut resized, &options));
}

fn normalise(bencher: Bencher, level: Level) {
    let placement = placement(FRAMES[0]);
    let FrameTransform { width, height, .. } = placement;
    let pixels = pixels((width, height));
    let image = RgbView { pixels: &pixels, width, height };
    let normaliser = Normaliser::with_level(&input(), level);
    let mut slot = vec![0.0; 3 * 416 * 416];
    bencher.bench_local(|| normaliser.normalise(black_box(image), &placement, &mut slot));
}

#[divan::bench]
fn normalise_portable(bencher: Bencher) {
    normalise(bencher, Level::Portable);
}

#[cfg(target_arch = "x86_64")]
#[divan::bench]
fn normalise_avx2(bencher: Bencher) {
    if let Some(level) = avx2() {
        normalise(bencher, level);
    }
}

#[cfg(target_arch = "x86_64")]
#[divan::bench]
fn normalise_avx512(bencher: Bencher) {
    if let Some(level) = avx512() {
        normalise(bencher, level);
    }
}

#[cfg(target_arch = "x86_64")]
fn avx2() -> Option<Level> {
    Level::available().into_iter().find(|level| matches!(level, Level::Avx2(_)))
}

#[cfg(target_arch = "x86_64")]
fn avx512() -> Option<Level> {
    Level::available().into_iter().find(|level| matches!(level, Level::Avx512(_)))
}
