//! Pixels of libjpeg-turbo 3.1, by checksum: `tests/pin.py` writes the table.

use framegate_jpeg::{Format, Level, Options, Scale};

use super::codings::{HEIGHT, WIDTH, all, decode_with, encode};

/// For each size, each of [`all`] codings, RGB and luma, and each scale, the CRC-32 of what libjpeg-turbo decodes.
const PINNED: &str = include_str!("pinned.txt");

/// CRC-32 as of zlib.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn pixels_are_those_of_libjpeg_turbo() {
    let directory = std::env::var_os("FRAMEGATE_JPEG_PIN");
    let mut expected = PINNED.split_ascii_whitespace();
    let sizes = [(WIDTH, HEIGHT), (17, 130), (161, 48)];
    let files = sizes.iter().flat_map(|size| all().into_iter().map(move |coding| (size, coding)));
    for (number, (&(width, height), coding)) in files.enumerate() {
        let jpeg = encode(coding, width, height);
        if let Some(directory) = &directory {
            let name = std::path::Path::new(directory).join(format!("{number:03}.jpg"));
            std::fs::write(name, &jpeg).unwrap();
            continue;
        }
        for format in [Format::Rgb, Format::Luma] {
            for scale in Scale::ALL {
                let options = Options { scale, format, ..Options::default() };
                let (_, pixels) = decode_with(Level::best(), &jpeg, &options).unwrap();
                let found = format!("{:08x}", checksum(&pixels));
                let what = format!("{coding:?} of {width}x{height}, {format:?} at {scale:?}");
                assert_eq!(expected.next(), Some(&*found), "{what}");
            }
        }
    }
    if directory.is_some() {
        return;
    }
    assert_eq!(expected.next(), None);
}
