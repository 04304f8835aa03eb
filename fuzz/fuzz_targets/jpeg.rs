//! Any bytes as a JPEG: decoding ends, within its limits, and every level decodes the same pixels.
//!
//! The last byte says at which scale and how leniently.

#![no_main]

use framegate_jpeg::{Decoder, Header, Level, Limits, Options, Scale};
use libfuzzer_sys::fuzz_target;

/// Small, as time is better spent on many inputs than on the pixels of a few.
const LIMITS: Limits =
    Limits { max_pixels: 1 << 14, max_pixels_passed: 1 << 17, max_memory: 1 << 22 };

fuzz_target!(|input: &[u8]| {
    let Some((choice, jpeg)) = input.split_last() else { return };
    let scale = Scale::ALL[usize::from(choice & 3)];
    let options = Options { scale, lenient: choice & 4 != 0, limits: LIMITS, ..Options::default() };
    let Ok(header) = Header::read(jpeg) else { return };
    let results: Vec<_> = Level::available()
        .into_iter()
        .map(|level| {
            let mut pixels = vec![];
            let result = Decoder::with_level(level).decode(&header, &options, &mut pixels);
            if let Ok(decoded) = result {
                assert_eq!((decoded.width, decoded.height), header.size_at(scale));
                assert_eq!(pixels.len(), decoded.width * decoded.height * 3);
                assert!(options.lenient || decoded.lost == 0);
            }
            result.map(|decoded| (decoded, pixels))
        })
        .collect();
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "levels differ");
});
