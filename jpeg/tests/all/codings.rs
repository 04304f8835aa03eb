//! JPEGs of every coding that the encoder knows, and decoding them.

use framegate_jpeg::{Decoded, Decoder, Error, Header, Level, Options, Scale};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_jpeg::zune_core::bytestream::ZCursor;

/// Ways to code an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coding {
    pub(crate) sampling: SamplingFactor,
    pub(crate) progressive: bool,
    pub(crate) restart_interval: u16,
    /// With tables of its own, which the encoder then writes into scans of single components.
    pub(crate) optimised: bool,
    pub(crate) colour: ColorType,
}

pub(crate) const PLAIN: Coding = Coding {
    sampling: SamplingFactor::F_2_2,
    progressive: false,
    restart_interval: 0,
    optimised: false,
    colour: ColorType::Rgb,
};

pub(crate) const WIDTH: usize = 93;
pub(crate) const HEIGHT: usize = 71;

pub(crate) fn all() -> Vec<Coding> {
    use SamplingFactor::*;
    let mut codings = vec![];
    for sampling in [F_1_1, F_2_1, F_1_2, F_2_2, F_4_1, F_1_4, F_4_2, F_2_4] {
        for (progressive, restart_interval, optimised) in [
            (false, 0, false),
            (false, 3, false),
            (false, 0, true),
            (true, 0, true),
            (true, 2, false),
        ] {
            let coding = Coding { sampling, progressive, restart_interval, optimised, ..PLAIN };
            codings.push(coding);
        }
    }
    for progressive in [false, true] {
        codings.push(Coding { colour: ColorType::Luma, progressive, sampling: F_1_1, ..PLAIN });
    }
    codings
}

/// Encodes slopes with sharp edges across them.
pub(crate) fn encode(coding: Coding, width: usize, height: usize) -> Vec<u8> {
    let channels = if matches!(coding.colour, ColorType::Luma) { 1 } else { 3 };
    let level = |x: usize, y: usize, channel: usize| match (x / 5 + y / 7) % 3 {
        0 => (x * 255 / width) as u8,
        1 => (y * 255 / height) as u8 ^ (channel * 85) as u8,
        _ => (x * 37 + y * 11 + channel * 90) as u8,
    };
    let pixels: Vec<u8> = (0..width * height * channels)
        .map(|n| level(n / channels % width, n / channels / width, n % channels))
        .collect();
    let mut jpeg = vec![];
    let mut encoder = Encoder::new(&mut jpeg, 88);
    encoder.set_sampling_factor(coding.sampling);
    encoder.set_progressive(coding.progressive);
    encoder.set_restart_interval(coding.restart_interval);
    encoder.set_optimized_huffman_tables(coding.optimised);
    encoder.encode(&pixels, width as u16, height as u16, coding.colour).expect("sizes agree");
    jpeg
}

pub(crate) fn decode_with(
    level: Level,
    jpeg: &[u8],
    options: &Options,
) -> Result<(Decoded, Vec<u8>), Error> {
    let mut pixels = vec![];
    let decoded = Decoder::with_level(level).decode(&Header::read(jpeg)?, options, &mut pixels)?;
    Ok((decoded, pixels))
}

pub(crate) fn decode(jpeg: &[u8]) -> Result<Vec<u8>, Error> {
    decode_with(Level::best(), jpeg, &Options::default()).map(|(_, pixels)| pixels)
}

pub(crate) fn at(scale: Scale) -> Options {
    Options { scale, ..Options::default() }
}

#[test]
fn every_level_decodes_the_same_pixels() {
    let levels = Level::available();
    assert!(levels.len() > 1 || !cfg!(target_arch = "x86_64"), "nothing to compare");
    for coding in all() {
        for (width, height) in [(WIDTH, HEIGHT), (1, 1), (3, 70), (130, 2), (64, 64)] {
            let jpeg = encode(coding, width, height);
            for scale in Scale::ALL {
                let [expected, rest @ ..] = &levels
                    .iter()
                    .map(|level| decode_with(*level, &jpeg, &at(scale)).unwrap())
                    .collect::<Vec<_>>()[..]
                else {
                    unreachable!()
                };
                let size = (scale.length(width), scale.length(height));
                assert_eq!((expected.0.width, expected.0.height), size);
                assert!(rest.iter().all(|found| found == expected), "{coding:?} at {scale:?}");
            }
        }
    }
}

/// zune-jpeg rounds its transforms and filters differently.
#[test]
fn a_second_opinion_is_nearly_the_same() {
    for coding in all() {
        let common = [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_2_2];
        // It gets scans of single components wrong, and repeats where we filter.
        if !common.contains(&coding.sampling) || coding.optimised && !coding.progressive {
            continue;
        }
        let jpeg = encode(coding, WIDTH, HEIGHT);
        let options = zune_jpeg::zune_core::options::DecoderOptions::default()
            .jpeg_set_out_colorspace(zune_jpeg::zune_core::colorspace::ColorSpace::RGB);
        let mut zune = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&jpeg), options);
        let expected = zune.decode().unwrap();
        let found = decode(&jpeg).unwrap();
        assert_eq!(found.len(), expected.len());
        let differences = found.iter().zip(&expected).map(|(a, b)| usize::from(a.abs_diff(*b)));
        let mean = differences.sum::<usize>() as f64 / found.len() as f64;
        assert!(mean < 1.0, "{coding:?} differs by {mean}");
    }
}

#[test]
fn luma_is_what_grey_pixels_are_made_of() {
    let jpeg = encode(Coding { colour: ColorType::Luma, ..PLAIN }, WIDTH, HEIGHT);
    for scale in Scale::ALL {
        let luma = Options { format: framegate_jpeg::Format::Luma, ..at(scale) };
        let (_, rgb) = decode_with(Level::best(), &jpeg, &at(scale)).unwrap();
        let (_, luma) = decode_with(Level::best(), &jpeg, &luma).unwrap();
        assert!(rgb.chunks(3).map(|pixel| pixel[0]).eq(luma));
    }
}

#[test]
fn the_data_of_one_image_leaves_nothing_in_the_next() {
    let mut decoder = Decoder::new();
    let mut pixels = vec![];
    for _ in 0..2 {
        for coding in all() {
            let jpeg = encode(coding, WIDTH, HEIGHT);
            for scale in Scale::ALL {
                decoder.decode(&Header::read(&jpeg).unwrap(), &at(scale), &mut pixels).unwrap();
                let (_, fresh) = decode_with(Level::best(), &jpeg, &at(scale)).unwrap();
                assert!(pixels == fresh, "{coding:?} at {scale:?}");
            }
        }
        decoder.shrink(0);
    }
}
