//! Any pixels in any coding: what an encoder wrote decodes, alike at every level, and zune-jpeg sees the same.
//!
//! Five bytes choose the size, the quality, the sampling and how the data is divided; the rest are pixels.

#![no_main]

use framegate_jpeg::{Decoder, Format, Header, Level, Options, Scale};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use libfuzzer_sys::fuzz_target;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const SAMPLINGS: [SamplingFactor; 8] = {
    use SamplingFactor::*;
    [F_1_1, F_2_1, F_2_2, F_1_2, F_4_1, F_1_4, F_4_2, F_2_4]
};

/// zune-jpeg rounds its transform differently.
const MOST: u8 = 4;

fuzz_target!(|input: &[u8]| {
    let Some((&[across, down, quality, kind, interval], values)) = input.split_first_chunk() else {
        return;
    };
    let (width, height) = (1 + u16::from(across % 80), 1 + u16::from(down % 80));
    let count = usize::from(width) * usize::from(height) * 3;
    if values.is_empty() {
        return;
    }
    let pixels: Vec<u8> = values.iter().copied().cycle().take(count).collect();
    let (progressive, optimised) = (kind & 8 != 0, kind & 16 != 0);
    let sampling = SAMPLINGS[usize::from(kind & 7)];
    let mut jpeg = vec![];
    let mut encoder = Encoder::new(&mut jpeg, 1 + quality % 100);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(progressive);
    encoder.set_optimized_huffman_tables(optimised);
    encoder.set_restart_interval((interval & 15).into());
    encoder.encode(&pixels, width, height, ColorType::Rgb).expect("sizes agree");

    let header = Header::read(&jpeg).expect("an encoder wrote it");
    let decode = |level, scale, format| {
        let mut pixels = vec![];
        let options = Options { scale, format, ..Options::default() };
        let result = Decoder::with_level(level).decode(&header, &options, &mut pixels);
        result.expect("an encoder wrote it");
        pixels
    };
    let scale = Scale::ALL[usize::from(interval >> 6)];
    let results: Vec<_> = Level::available()
        .into_iter()
        .map(|level| decode(level, scale, Format::Rgb))
        .collect();
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "levels differ");

    // It gets scans of single components wrong, which the encoder writes for tables of its own.
    if optimised && !progressive {
        return;
    }
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    let second = JpegDecoder::new_with_options(ZCursor::new(&jpeg), options).decode();
    let (Ok(second), first) = (second, decode(Level::best(), Scale::Full, Format::Luma)) else {
        return;
    };
    assert_eq!(first.len(), second.len());
    let most = first.iter().zip(&second).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(most <= Some(MOST), "zune-jpeg is {most:?} levels away");
});
