//! Pixels of libjpeg-turbo 3.1, by checksum: `tests/pin.py` writes the table.

use framegate_jpeg::{Level, Scale};

use super::codings::{HEIGHT, WIDTH, all, at, decode_with, encode};

/// For each of [`all`] codings and each scale, the CRC-32 of what libjpeg-turbo decodes.
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
    for (number, coding) in all().into_iter().enumerate() {
        let jpeg = encode(coding, WIDTH, HEIGHT);
        if let Some(directory) = &directory {
            let name = std::path::Path::new(directory).join(format!("{number:03}.jpg"));
            std::fs::write(name, &jpeg).unwrap();
            continue;
        }
        for scale in Scale::ALL {
            let (_, pixels) = decode_with(Level::best(), &jpeg, &at(scale)).unwrap();
            let found = format!("{:08x}", checksum(&pixels));
            assert_eq!(expected.next(), Some(&*found), "{coding:?} at {scale:?}");
        }
    }
    assert_eq!(expected.next(), None);
}
