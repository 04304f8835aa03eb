//! Frames on their way into a batch.

use framegate::stages::{
    DecodeError, DecodeLimits, FrameTransform, InputWriter, Orientation, PixelRows, Preprocessor,
    RgbImage,
};
use framegate_models::Size;
use framegate_models::detector::{ChannelOrder, Fit, ImageInput, LetterboxAlign, ResizeFilter};

use crate::support::jpeg::{Coding, decode, encode, slopes};
use crate::support::{dirty_slot, test_data, yolox_input};

fn preprocessor(input: &ImageInput) -> Preprocessor {
    Preprocessor::new(input, DecodeLimits::DEFAULT)
}

/// The formulas in the plainest form, in f64, for an upright frame.
fn expected(pixels: &[u8], placement: &FrameTransform, input: &ImageInput) -> Vec<f64> {
    let FrameTransform { left, top, width: new_width, height: new_height, part, .. } = *placement;
    let Size { width, height } = part.size;
    let padding = match input.fit {
        Fit::Letterbox { fill, .. } => fill,
        Fit::Stretch | Fit::Crop { .. } => 0,
    };
    let level = |x: usize, y: usize, channel: usize| {
        let at = (y + part.top) * placement.frame.width + x + part.left;
        f64::from(pixels[at * 3 + channel])
    };
    let position = |at: usize, old: usize, new: usize| {
        ((at as f64 + 0.5) * old as f64 / new as f64 - 0.5).clamp(0.0, (old - 1) as f64)
    };
    let sample = |x: usize, y: usize, channel: usize| {
        let (x, y) = (position(x, width, new_width), position(y, height, new_height));
        let (x0, y0) = (x as usize, y as usize);
        let (x1, y1) = ((x0 + 1).min(width - 1), (y0 + 1).min(height - 1));
        let mix = |a: f64, b: f64, share: f64| a + (b - a) * share;
        mix(
            mix(level(x0, y0, channel), level(x1, y0, channel), x.fract()),
            mix(level(x0, y1, channel), level(x1, y1, channel), x.fract()),
            y.fract(),
        )
    };
    let mut values = vec![];
    for plane in 0..3 {
        let channel = if input.channel_order == ChannelOrder::Bgr { 2 - plane } else { plane };
        for y in 0..input.height {
            for x in 0..input.width {
                let inside =
                    (left..left + new_width).contains(&x) && (top..top + new_height).contains(&y);
                let level =
                    if inside { sample(x - left, y - top, channel) } else { f64::from(padding) };
                values.push((level - f64::from(input.mean[plane])) * f64::from(input.scale[plane]));
            }
        }
    }
    values
}

#[test]
fn values_are_those_of_the_formulas() {
    let mut random = fastrand::Rng::with_seed(5);
    for round in 0..60 {
        let (width, height) = (random.usize(1..90), random.usize(1..90));
        let centre = LetterboxAlign::Centre;
        let input = ImageInput {
            width: random.usize(1..90),
            height: random.usize(1..90),
            channel_order: *random.choice(&[ChannelOrder::Rgb, ChannelOrder::Bgr]).unwrap(),
            mean: [123.7, 116.3, 103.5],
            scale: [1.0, 0.5, 2.0],
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
            fit: match round % 4 {
                0 => Fit::Stretch,
                1 => Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 114 },
                2 => Fit::Crop { share: 0.875 },
                _ => Fit::Letterbox { placement: centre, fill: 0 },
            },
        };
        let jpeg = encode(&slopes(width, height), width, height, Coding::default());
        let mut slot = dirty_slot(&input);
        let transform = preprocessor(&input).preprocess(&jpeg, &mut slot).unwrap().transform;

        let pixels = decode(&jpeg).unwrap().pixels;
        let plane_len = input.width * input.height;
        for (at, (actual, expected)) in
            slot.iter().zip(expected(&pixels, &transform, &input)).enumerate()
        {
            // Half a level of rounding, and two products whose quarters of a level are cut off.
            let tolerance = 1.01 * f64::from(input.scale[at / plane_len]);
            let difference = (f64::from(*actual) - expected).abs();
            assert!(difference <= tolerance, "{width}x{height} into {input:?}, value {at}");
        }
    }
}

#[test]
fn a_frame_of_the_right_size_is_not_resampled() {
    let input = ImageInput { channel_order: ChannelOrder::Rgb, ..yolox_input(40, 24) };
    let jpeg = encode(&slopes(40, 24), 40, 24, Coding::default());
    let mut slot = dirty_slot(&input);
    preprocessor(&input).preprocess(&jpeg, &mut slot).unwrap();
    let pixels = decode(&jpeg).unwrap().pixels;
    for (plane, values) in slot.chunks_exact(40 * 24).enumerate() {
        for (value, pixel) in values.iter().zip(pixels.chunks_exact(3)) {
            assert_eq!(*value, f32::from(pixel[plane]));
        }
    }
}

/// Corners of a stored image, in reading order, and where EXIF's eight values put them.
#[test]
fn every_orientation_is_turned_upright() {
    const RED: [u8; 3] = [250, 10, 10];
    const GREEN: [u8; 3] = [10, 250, 10];
    const BLUE: [u8; 3] = [10, 10, 250];
    const WHITE: [u8; 3] = [250, 250, 250];
    let upright_corners = [
        [RED, GREEN, BLUE, WHITE],
        [GREEN, RED, WHITE, BLUE],
        [WHITE, BLUE, GREEN, RED],
        [BLUE, WHITE, RED, GREEN],
        [RED, BLUE, GREEN, WHITE],
        [BLUE, RED, WHITE, GREEN],
        [WHITE, GREEN, BLUE, RED],
        [GREEN, WHITE, RED, BLUE],
    ];
    let (width, height) = (96, 64);
    let stored: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
        .collect();

    // Once resized and once at its own size.
    for extent in [48, 96] {
        let input = ImageInput { channel_order: ChannelOrder::Rgb, ..yolox_input(extent, extent) };
        for (value, corners) in (1..).zip(upright_corners) {
            let coding = Coding { orientation: Some(value), ..Coding::default() };
            let jpeg = encode(&stored, width, height, coding);
            let mut slot = dirty_slot(&input);
            let transform = preprocessor(&input).preprocess(&jpeg, &mut slot).unwrap().transform;
            let (long, short) = (extent, extent * 2 / 3);
            let size = if value >= 5 { (short, long) } else { (long, short) };
            assert_eq!((transform.width, transform.height), size, "orientation {value}");
            let (right, bottom) = (size.0 - 3, size.1 - 3);
            for ((x, y), corner) in
                [(2, 2), (right, 2), (2, bottom), (right, bottom)].into_iter().zip(corners)
            {
                for (channel, level) in corner.into_iter().enumerate() {
                    let actual = slot[(channel * extent + y) * extent + x];
                    assert!(
                        (actual - f32::from(level)).abs() < 30.0,
                        "orientation {value} at {x}, {y}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_failed_frame_leaves_the_preprocessor_usable() {
    let input = yolox_input(64, 64);
    let jpeg = encode(&slopes(90, 50), 90, 50, Coding::default());
    let mut reference = dirty_slot(&input);
    preprocessor(&input).preprocess(&jpeg, &mut reference).unwrap();

    let mut used = preprocessor(&input);
    let mut slot = vec![7.0; reference.len()];
    let mut broken = jpeg.clone();
    broken.drain(jpeg.len() / 2..jpeg.len() - 2);
    for bad in [&b""[..], b"GIF89a", &jpeg[..jpeg.len() / 2], &broken] {
        used.preprocess(bad, &mut slot).unwrap_err();
        assert!(slot.iter().all(|&value| value == 7.0), "a failed frame wrote into the batch");
    }
    used.preprocess(&jpeg, &mut slot).unwrap();
    assert_eq!(slot, reference);
}

/// An image that is stored upside down, blue, green, red.
struct UpsideDown {
    pixels: Vec<u8>,
    size: Size,
}

impl UpsideDown {
    fn of(image: &RgbImage) -> Self {
        let rows = image.pixels.chunks_exact(image.width * 3).rev();
        let pixels = rows.flat_map(|row| row.as_chunks::<3>().0).flat_map(|&[r, g, b]| [b, g, r]);
        Self { pixels: pixels.collect(), size: image.upright_size() }
    }
}

impl PixelRows for UpsideDown {
    fn size(&self) -> Size {
        self.size
    }

    fn channel_order(&self) -> ChannelOrder {
        ChannelOrder::Bgr
    }

    fn copy_row(&self, row: usize, left: usize, pixels: &mut [u8]) {
        let start = ((self.size.height - 1 - row) * self.size.width + left) * 3;
        pixels.copy_from_slice(&self.pixels[start..][..pixels.len()]);
    }
}

#[test]
fn an_image_that_is_read_by_rows_is_like_one_in_memory() {
    let mut random = fastrand::Rng::with_seed(6);
    for round in 0..60 {
        let (width, height) = (random.usize(1..90), random.usize(1..90));
        let input = ImageInput {
            // Now and then the size of the image, which is then not resampled.
            width: if round % 5 == 0 { width } else { random.usize(1..90) },
            height: if round % 5 == 0 { height } else { random.usize(1..90) },
            channel_order: *random.choice(&[ChannelOrder::Rgb, ChannelOrder::Bgr]).unwrap(),
            mean: [123.7, 116.3, 103.5],
            scale: [1.0, 0.5, 2.0],
            resize: [ResizeFilter::Bilinear, ResizeFilter::Antialiased][round / 3 % 2],
            decode_scale: None,
            fit: match round % 3 {
                0 => Fit::Stretch,
                1 => Fit::Letterbox { placement: LetterboxAlign::Centre, fill: 114 },
                _ => Fit::Crop { share: 0.875 },
            },
        };
        let pixels = steep(width, height);
        let image = RgbImage { pixels, width, height, orientation: Orientation::Upright };
        let mut preprocessor = preprocessor(&input);
        let (mut expected, mut slot) = (dirty_slot(&input), dirty_slot(&input));
        let whole = preprocessor.preprocess_image(&image, &mut expected).unwrap();
        let rows = preprocessor.preprocess_rows(&UpsideDown::of(&image), &mut slot).unwrap();
        assert_eq!(rows.transform, whole.transform);
        assert!(slot == expected, "{width}x{height} into {input:?}");
        preprocessor.preprocess_rows(&image.view(), &mut slot).unwrap();
        assert!(slot == expected, "{width}x{height} into {input:?}");
    }
}

#[test]
fn an_image_that_is_read_by_rows_is_held_to_the_limits() {
    let input = yolox_input(8, 8);
    let mut slot = vec![7.0; 3 * 8 * 8];
    let limits = DecodeLimits { max_width: 10, ..DecodeLimits::DEFAULT };
    for (width, height) in [(0, 5), (5, 0), (11, 5)] {
        let image =
            UpsideDown { pixels: vec![0; width * height * 3], size: Size { width, height } };
        let refused = Preprocessor::new(&input, limits).preprocess_rows(&image, &mut slot);
        let is_too_large = matches!(refused, Err(DecodeError::TooLarge { .. }));
        assert_eq!((refused.is_err(), is_too_large), (true, width > 10));
        assert!(slot.iter().all(|&value| value == 7.0), "a refused image wrote into the batch");
    }
}

/// The inputs that OpenCV made of a photograph.
#[test]
fn inputs_match_those_of_opencv() {
    let Some(data) = test_data() else { return };
    let yunet_fit = Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 0 };
    for (name, input) in [
        ("yolox_nano", yolox_input(416, 416)),
        ("yunet_n_320_320", ImageInput { fit: yunet_fit, ..yolox_input(320, 320) }),
    ] {
        let path = data.join(format!("reference/{name}.input.npy"));
        let (_, reference) = framegate::npy::read_f32(&path).unwrap();
        let jpeg = std::fs::read(data.join("images/000000000139.jpg")).unwrap();
        let mut slot = dirty_slot(&input);
        preprocessor(&input).preprocess(&jpeg, &mut slot).unwrap();

        assert_eq!(slot.len(), reference.len());
        let differences: Vec<f32> =
            slot.iter().zip(&reference).map(|(ours, theirs)| (ours - theirs).abs()).collect();
        let largest = differences.iter().copied().fold(0.0, f32::max);
        let mean = differences.iter().sum::<f32>() / differences.len() as f32;
        println!("{name}: largest difference {largest}, mean {mean}");
        assert!(largest <= 2.0, "{name} is {largest} levels off");
    }
}

/// Pixels made by a formula, with steep edges: those of the files that Pillow made, see below.
fn steep(width: usize, height: usize) -> Vec<u8> {
    let value = |x: usize, y: usize, c: usize| (x * x * 7 + y * 13 + x * y * 5 + c * 85) % 256;
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    rows.flat_map(|(x, y)| [0, 1, 2].map(|channel| value(x, y, channel) as u8)).collect()
}

/// `data/pillow-*.rgb` is what Pillow 13.0 makes of [`steep`], by `Image.resize(size, BILINEAR)` and
/// `BICUBIC`: smaller, larger, and one of each, in which Pillow resizes the columns first.
#[test]
fn antialiased_pixels_are_those_of_pillow() {
    macro_rules! pillow {
        ($filter:literal, $sizes:literal) => {
            &include_bytes!(concat!("data/pillow-", $filter, "-", $sizes, ".rgb"))[..]
        };
    }
    let (linear, cubic) = (ResizeFilter::Antialiased, ResizeFilter::AntialiasedBicubic);
    for (filter, [width, height], [new_width, new_height], expected) in [
        (linear, [23, 17], [9, 7], pillow!("bilinear", "23x17-9x7")),
        (linear, [23, 17], [40, 31], pillow!("bilinear", "23x17-40x31")),
        (linear, [23, 17], [30, 6], pillow!("bilinear", "23x17-30x6")),
        (linear, [200, 150], [11, 8], pillow!("bilinear", "200x150-11x8")),
        (cubic, [23, 17], [9, 7], pillow!("bicubic", "23x17-9x7")),
        (cubic, [23, 17], [40, 31], pillow!("bicubic", "23x17-40x31")),
        (cubic, [23, 17], [30, 6], pillow!("bicubic", "23x17-30x6")),
        (cubic, [200, 150], [11, 8], pillow!("bicubic", "200x150-11x8")),
    ] {
        let input = ImageInput {
            channel_order: ChannelOrder::Rgb,
            fit: Fit::Stretch,
            resize: filter,
            ..yolox_input(new_width, new_height)
        };
        let pixels = steep(width, height);
        let image = RgbImage { pixels, width, height, orientation: Orientation::Upright };
        let mut slot = dirty_slot(&input);
        InputWriter::new(&input).write(&image, &mut slot);
        assert_eq!(expected.len(), slot.len());
        let planes = new_width * new_height;
        for (index, value) in slot.iter().enumerate() {
            let of_pillow = f32::from(expected[index % planes * 3 + index / planes]);
            assert!(
                (value - of_pillow).abs() <= 1.0,
                "{filter:?} to {new_width}x{new_height}: {value} at {index}, not {of_pillow}"
            );
        }
    }
}
