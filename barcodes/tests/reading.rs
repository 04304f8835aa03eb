//! Codes that are written, photographed badly, and read.

use std::f32::consts::PI;
use std::time::{Duration, Instant};

use framegate_barcodes::{Barcode, BarcodeFormat, Budget, Content, GreyImage, Kind, Pace, read};
use rxing::{MultiFormatWriter, Writer};

/// A photograph of a code.
struct Photograph {
    /// Clockwise, in degrees.
    turn: f32,
    /// Width of the far side in relation to the near one.
    far_side: f32,
    /// Pixels per module.
    module: f32,
    /// Radius of the blur, in pixels.
    blur: usize,
    /// Grey of black and white.
    tones: (f32, f32),
    /// Most that a pixel is off.
    noise: u8,
    /// Part of the light that is left in the top left corner.
    shade: f32,
}

const PLAIN: Photograph = Photograph {
    turn: 0.0,
    far_side: 1.0,
    module: 4.0,
    blur: 0,
    tones: (0.0, 255.0),
    noise: 0,
    shade: 1.0,
};

impl Photograph {
    fn of(&self, text: &str, format: rxing::BarcodeFormat) -> GreyImage {
        let modules = MultiFormatWriter.encode(text, &format, 0, 0).expect("it can be written");
        let width = modules.getWidth() as usize;
        // A linear code is one row of modules.
        let height = match modules.getHeight() as usize {
            1 => width / 2,
            height => height,
        };
        let is_black = |x: f32, y: f32| {
            let y = if modules.getHeight() == 1 { 0.0 } else { y };
            let inside = x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32;
            inside && modules.get(x as u32, y as u32)
        };
        let (sin, cos) = (self.turn / 180.0 * PI).sin_cos();
        let (half_width, half_height) = (width as f32 / 2.0, height as f32 / 2.0);
        let reach_x = half_width * cos.abs() + half_height * sin.abs() + 8.0;
        let reach_y = half_width * sin.abs() + half_height * cos.abs() + 8.0;
        let size = |reach: f32| (2.0 * reach * self.module) as usize;
        let (columns, rows) = (size(reach_x), size(reach_y));
        let mut random = fastrand::Rng::with_seed(1);
        let mut grey = vec![0.0; columns * rows];
        for (index, grey) in grey.iter_mut().enumerate() {
            // Four samples per pixel.
            for sample in 0..4 {
                let x = (index % columns) as f32 + 0.25 + 0.5 * (sample % 2) as f32;
                let y = (index / columns) as f32 + 0.25 + 0.5 * (sample / 2) as f32;
                let (x, y) = (x / self.module - reach_x, y / self.module - reach_y);
                // The upper side is further away.
                let shrunk =
                    (1.0 + self.far_side) / 2.0 + (1.0 - self.far_side) / 2.0 * y / reach_y;
                let (x, y) = (x / shrunk, y);
                let (x, y) = (x * cos + y * sin + half_width, y * cos - x * sin + half_height);
                let (black, white) = self.tones;
                *grey += if is_black(x, y) { black } else { white } / 4.0;
            }
        }
        let reach = self.blur as isize;
        let blurred = |index: usize| {
            let (x, y) = ((index % columns) as isize, (index / columns) as isize);
            let mut sum = 0.0;
            for (down, across) in
                (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx)))
            {
                let column = (x + across).clamp(0, columns as isize - 1) as usize;
                let row = (y + down).clamp(0, rows as isize - 1) as usize;
                sum += grey[row * columns + column];
            }
            sum / ((2 * reach + 1) * (2 * reach + 1)) as f32
        };
        let pixels = (0..columns * rows).map(|index| {
            let noise = f32::from(random.u8(0..=2 * self.noise)) - f32::from(self.noise);
            let (x, y) = ((index % columns) as f32, (index / columns) as f32);
            let light =
                self.shade + (1.0 - self.shade) * (x / columns as f32 + y / rows as f32) / 2.0;
            (blurred(index) * light + noise).clamp(0.0, 255.0) as u8
        });
        GreyImage { pixels: pixels.collect(), width: columns, height: rows }
    }
}

fn read_patiently(image: &GreyImage, kind: Kind) -> Option<Barcode> {
    let pace = Pace::default();
    read(image, kind, Budget::until(Instant::now() + Duration::from_secs(60), &pace))
}

const CODES: [(&str, rxing::BarcodeFormat, Kind, BarcodeFormat, &str); 11] = {
    use rxing::BarcodeFormat as R;
    [
        ("Framegate", R::QR_CODE, Kind::QrCode, BarcodeFormat::QrCode, "Framegate"),
        ("Framegate", R::AZTEC, Kind::Aztec, BarcodeFormat::Aztec, "Framegate"),
        ("Framegate", R::DATA_MATRIX, Kind::DataMatrix, BarcodeFormat::DataMatrix, "Framegate"),
        ("Framegate reads", R::PDF_417, Kind::Pdf417, BarcodeFormat::Pdf417, "Framegate reads"),
        ("FG-2026", R::CODE_128, Kind::Linear, BarcodeFormat::Code128, "FG-2026"),
        ("FG-2026", R::CODE_39, Kind::Linear, BarcodeFormat::Code39, "FG-2026"),
        ("4006381333931", R::EAN_13, Kind::Linear, BarcodeFormat::Ean13, "4006381333931"),
        ("036000291452", R::UPC_A, Kind::Linear, BarcodeFormat::Ean13, "0036000291452"),
        ("04963406", R::UPC_E, Kind::Linear, BarcodeFormat::UpcE, "0049000006346"),
        ("A123456B", R::CODABAR, Kind::Linear, BarcodeFormat::Codabar, "A123456B"),
        ("00123456", R::ITF, Kind::Linear, BarcodeFormat::Itf, "00123456"),
    ]
};

fn each_is_read(name: &str, photograph: &Photograph) {
    for (text, written, kind, format, expected) in CODES {
        let found = read_patiently(&photograph.of(text, written), kind)
            .unwrap_or_else(|| panic!("{name}: {format:?} is not read"));
        assert_eq!((found.format, found.text.as_str()), (format, expected), "{name}");
    }
}

#[test]
fn clean_codes_are_read() {
    each_is_read("clean", &PLAIN);
}

#[test]
fn turned_codes_are_read() {
    for turn in [12.0, 90.0, 180.0, -75.0] {
        each_is_read(&format!("turned by {turn}°"), &Photograph { turn, ..PLAIN });
    }
}

#[test]
fn dim_blurred_and_noisy_codes_are_read() {
    let photograph = Photograph { tones: (60.0, 150.0), blur: 1, noise: 8, turn: 5.0, ..PLAIN };
    each_is_read("dim, blurred and noisy", &photograph);
}

#[test]
fn codes_that_are_bright_on_dark_are_read() {
    let photograph = Photograph { tones: (255.0, 0.0), ..PLAIN };
    for (text, written, kind, format, expected) in CODES.into_iter().take(3) {
        let found = read_patiently(&photograph.of(text, written), kind);
        let found = found.map(|found| (found.format, found.text));
        assert_eq!(found, Some((format, expected.to_owned())));
    }
}

#[test]
fn codes_that_are_seen_from_the_side_are_read() {
    let photograph = Photograph { far_side: 0.72, module: 6.0, ..PLAIN };
    for (text, written, kind, format, expected) in CODES.into_iter().take(3) {
        let found = read_patiently(&photograph.of(text, written), kind);
        let found = found.map(|found| (found.format, found.text));
        assert_eq!(found, Some((format, expected.to_owned())));
    }
}

#[test]
fn a_code_that_is_seen_from_the_side_is_read_where_its_paper_is_dark() {
    // The paper in the corner is darker than the code's black opposite.
    let photograph =
        Photograph { far_side: 0.72, module: 6.0, tones: (60.0, 200.0), shade: 0.2, ..PLAIN };
    let image = photograph.of("Framegate", rxing::BarcodeFormat::QR_CODE);
    let found = read_patiently(&image, Kind::QrCode);
    assert_eq!(found.map(|found| found.text).as_deref(), Some("Framegate"));
}

#[test]
fn bytes_that_are_not_a_text_are_binary() {
    let bytes = "\u{0}\u{1}\u{9c}\u{ff}";
    for (written, kind) in [
        (rxing::BarcodeFormat::DATA_MATRIX, Kind::DataMatrix),
        (rxing::BarcodeFormat::QR_CODE, Kind::QrCode),
    ] {
        let found = read_patiently(&PLAIN.of(bytes, written), kind).expect("it is read");
        assert_eq!((found.content, found.text.as_str()), (Content::Binary, bytes), "{kind:?}");
    }
}

#[test]
fn corners_of_a_qr_code_are_where_it_is() {
    let image = PLAIN.of("Framegate", rxing::BarcodeFormat::QR_CODE);
    let corners =
        read_patiently(&image, Kind::QrCode).and_then(|code| code.corners).expect("it is read");
    // A margin of eight modules of four pixels, and the writer's own of four modules.
    let (near, far) = (48.0, image.width as f32 - 48.0);
    for (corner, expected) in
        corners.into_iter().zip([[near, near], [far, near], [far, far], [near, far]])
    {
        let off = (corner[0] - expected[0]).hypot(corner[1] - expected[1]);
        assert!(off < 8.0, "{corners:?}, not near {expected:?}");
    }
}

#[test]
fn elements_with_identifiers_are_gs1() {
    let image = PLAIN.of("\u{f1}0104012345678901", rxing::BarcodeFormat::CODE_128);
    let found = read_patiently(&image, Kind::Linear).expect("it is read");
    assert_eq!((found.content, found.text.as_str()), (Content::Gs1, "(01)04012345678901"));
    let separated = PLAIN.of("\u{f1}10AB12\u{f1}21XY9", rxing::BarcodeFormat::CODE_128);
    let found = read_patiently(&separated, Kind::Linear).expect("it is read");
    assert_eq!((found.content, found.text.as_str()), (Content::Gs1, "(10)AB12(21)XY9"));
    let unknown = PLAIN.of("\u{f1}50AB12\u{f1}21XY9", rxing::BarcodeFormat::CODE_128);
    let found = read_patiently(&unknown, Kind::Linear).expect("it is read");
    assert_eq!((found.content, found.text.as_str()), (Content::Gs1, "50AB12\u{1d}21XY9"));
    let plain = read_patiently(&PLAIN.of("FG", rxing::BarcodeFormat::CODE_128), Kind::Linear);
    assert_eq!(plain.map(|found| found.content), Some(Content::Text));
}

#[test]
fn noise_and_emptiness_say_nothing() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..20 {
        let (width, height) = (random.usize(1..160), random.usize(1..160));
        let noise = (0..width * height).map(|_| random.u8(..)).collect();
        for pixels in [noise, vec![255; width * height], vec![0; width * height]] {
            let image = GreyImage { pixels, width, height };
            for kind in Kind::ALL {
                assert_eq!(read_patiently(&image, kind), None, "{kind:?}");
            }
        }
    }
    assert_eq!(read_patiently(&GreyImage::default(), Kind::QrCode), None);
}

#[test]
fn nothing_is_begun_after_the_deadline() {
    let image = PLAIN.of("Framegate", rxing::BarcodeFormat::QR_CODE);
    assert_eq!(read(&image, Kind::QrCode, Budget::until(Instant::now(), &Pace::default())), None);
}
