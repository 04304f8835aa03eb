//! JPEGs good, bad and hostile.

use std::time::{Duration, Instant};

use framegate::stages::{
    DecodeError, DecodeLimits, DecodeOptions, Decoder, JpegDecoder, Orientation, RgbImage, inspect,
};
use jpeg_encoder::{ColorType, SamplingFactor};

use crate::support::images::with_segment;
use crate::support::jpeg::{
    Coding, declare_size, decode, encode, encode_as, frame_header, largest_difference, many_scans,
    slopes,
};
use crate::support::test_data;

const WIDTH: usize = 61;
const HEIGHT: usize = 45;

/// The change that coding a smooth image at quality 95 may make.
const CODING_LOSS: u8 = 12;

fn coded(coding: Coding) -> Vec<u8> {
    encode(&slopes(WIDTH, HEIGHT), WIDTH, HEIGHT, coding)
}

/// The codings a frame may have.
fn codings() -> Vec<Coding> {
    let samplings = [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
    ];
    let mut codings = vec![Coding { separate_scans: true, ..Coding::default() }];
    for sampling in samplings.map(Some) {
        for (progressive, restart_interval) in [(false, 0), (false, 3), (true, 0), (true, 3)] {
            codings.push(Coding { progressive, sampling, restart_interval, ..Coding::default() });
        }
    }
    codings
}

#[test]
fn every_coding_gives_the_image() {
    for coding in codings() {
        let image = decode(&coded(coding)).unwrap();
        assert_eq!((image.width, image.height), (WIDTH, HEIGHT));
        let difference = largest_difference(&image.pixels, &slopes(WIDTH, HEIGHT));
        assert!(difference <= CODING_LOSS, "{coding:?} is {difference} levels off");
    }
}

#[test]
fn greyscale_becomes_three_equal_channels() {
    let grey: Vec<u8> = slopes(WIDTH, HEIGHT).chunks_exact(3).map(|pixel| pixel[0]).collect();
    for progressive in [false, true] {
        let coding = Coding { progressive, ..Coding::default() };
        let image = decode(&encode_as(ColorType::Luma, &grey, WIDTH, HEIGHT, coding)).unwrap();
        let expected: Vec<u8> = grey.iter().flat_map(|&level| [level; 3]).collect();
        assert!(largest_difference(&image.pixels, &expected) <= CODING_LOSS);
    }
}

#[test]
fn one_pixel_is_an_image() {
    let image = decode(&encode(&[200, 100, 50], 1, 1, Coding::default())).unwrap();
    assert_eq!((image.width, image.height), (1, 1));
    assert!(largest_difference(&image.pixels, &[200, 100, 50]) <= CODING_LOSS);
}

#[test]
fn data_that_is_not_a_jpeg_is_refused() {
    assert_eq!(decode(&[]).unwrap_err(), DecodeError::Empty);
    assert_eq!(decode(b"\x89PNG\r\n\x1A\n").unwrap_err(), DecodeError::NotJpeg);
    assert_eq!(decode(&[0xFF]).unwrap_err(), DecodeError::NotJpeg);
    assert_eq!(decode(&[0xFF, 0xD8]).unwrap_err(), DecodeError::Truncated);
    assert!(matches!(decode(&[0xFF, 0xD8, 0xFF, 0xD9]), Err(DecodeError::Corrupt(_))));
}

#[test]
fn a_jpeg_cut_off_anywhere_is_refused() {
    for coding in codings() {
        let jpeg = coded(coding);
        // A file that lacks its end marker alone is whole.
        for length in 2..jpeg.len() - 2 {
            let error = decode(&jpeg[..length]).expect_err("it is cut off");
            assert_eq!(error, DecodeError::Truncated, "{coding:?} at {length}");
        }
    }
}

/// What a sender does that closes a broken image: the end marker is there, data before it is not.
#[test]
fn a_jpeg_that_lacks_data_before_its_end_marker_is_refused() {
    for coding in codings() {
        let jpeg = coded(coding);
        let scan = jpeg.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        for length in scan + 14..jpeg.len() - 4 {
            let mut cut = jpeg[..length].to_vec();
            cut.extend([0xFF, 0xD9]);
            assert!(decode(&cut).is_err(), "{coding:?} cut at {length} of {}", jpeg.len());
        }
    }
}

#[test]
fn a_header_that_declares_more_than_there_is_is_refused() {
    for coding in codings() {
        for (width, height) in [(WIDTH, HEIGHT + 32), (WIDTH + 32, HEIGHT), (512, 512)] {
            let mut jpeg = coded(coding);
            declare_size(&mut jpeg, width as u16, height as u16);
            assert!(decode(&jpeg).is_err(), "{coding:?} as {width}x{height}");
        }
    }
    let mut jpeg = coded(Coding::default());
    declare_size(&mut jpeg, 8000, 5000);
    let error = decode(&jpeg).unwrap_err();
    assert_eq!(error, DecodeError::Implausible { width: 8000, height: 5000 });
    declare_size(&mut jpeg, 0, 100);
    assert!(matches!(decode(&jpeg), Err(DecodeError::Corrupt(_))));
}

#[test]
fn unsupported_kinds_are_named() {
    let patched = |offset: usize, value: u8| {
        let mut jpeg = coded(Coding::default());
        let at = frame_header(&jpeg) + offset;
        jpeg[at] = value;
        decode(&jpeg).unwrap_err()
    };
    const MARKER: usize = 1;
    const PRECISION: usize = 4;
    assert_eq!(patched(PRECISION, 12), DecodeError::UnsupportedPrecision(12));
    assert_eq!(patched(PRECISION, 16), DecodeError::UnsupportedPrecision(16));
    assert_eq!(patched(MARKER, 0xC3), DecodeError::UnsupportedCoding("lossless JPEG"));
    assert_eq!(patched(MARKER, 0xC5), DecodeError::UnsupportedCoding("hierarchical JPEG"));
    assert_eq!(patched(MARKER, 0xC9), DecodeError::UnsupportedCoding("arithmetic-coded JPEG"));

    let mut two = coded(Coding::default());
    let at = frame_header(&two) + 9;
    two[at] = 2;
    assert_eq!(decode(&two).unwrap_err(), DecodeError::UnsupportedComponents(2));
}

#[test]
fn what_zune_lacks_our_decoder_has() {
    let zune = DecodeOptions { decoder: JpegDecoder::Zune, ..DecodeLimits::DEFAULT.into() };
    let both = |jpeg: &[u8]| {
        let opinion = Decoder::new(zune).decode(jpeg, &mut RgbImage::default());
        (decode(jpeg).map(drop), opinion)
    };
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let jpeg = encode_as(color, &[90; 8 * 8 * 4], 8, 8, Coding::default());
        assert_eq!(both(&jpeg), (Ok(()), Err(DecodeError::UnsupportedComponents(4))));
    }
    let sampling = Some(SamplingFactor::F_2_2);
    let jpeg = coded(Coding { sampling, separate_scans: true, ..Coding::default() });
    assert_eq!(both(&jpeg), (Ok(()), Err(DecodeError::UnsupportedScans)));
}

#[test]
fn zune_is_of_nearly_the_same_opinion() {
    let options = DecodeOptions { decoder: JpegDecoder::Zune, ..DecodeLimits::DEFAULT.into() };
    let mut zune = Decoder::new(options);
    for coding in codings() {
        let jpeg = coded(coding);
        let (ours, mut theirs) = (decode(&jpeg).unwrap(), RgbImage::default());
        zune.decode(&jpeg, &mut theirs).unwrap();
        let difference = largest_difference(&ours.pixels, &theirs.pixels);
        assert!(difference <= CODING_LOSS, "{coding:?} is {difference} levels off");
    }
}

#[test]
fn limits_hold_to_the_pixel() {
    let jpeg = coded(Coding::default());
    let exact = DecodeLimits { max_width: WIDTH, max_height: HEIGHT, max_pixels: WIDTH * HEIGHT };
    let within = |limits| Decoder::new(limits).decode(&jpeg, &mut RgbImage::default());
    assert_eq!(within(exact), Ok(()));
    for limits in [
        DecodeLimits { max_width: WIDTH - 1, ..exact },
        DecodeLimits { max_height: HEIGHT - 1, ..exact },
        DecodeLimits { max_pixels: WIDTH * HEIGHT - 1, ..exact },
    ] {
        assert_eq!(
            within(limits),
            Err(DecodeError::TooLarge { width: WIDTH, height: HEIGHT, limits })
        );
    }
}

#[test]
fn what_the_header_refuses_is_refused_before_and_in_the_same_words() {
    let limits = DecodeLimits::LIVE;
    let mut huge = coded(Coding::default());
    declare_size(&mut huge, 5000, 4000);
    let mut empty = coded(Coding::default());
    declare_size(&mut empty, 4000, 4000);
    let short: &[u8] = b"\xFF\xD8\xFF\xD9";
    let scans = many_scans(64, 64, 10);
    let tight = DecodeLimits { max_pixels: 64 * 64 / 2, ..limits };
    for (jpeg, limits) in [
        (&huge[..], limits),
        (&empty, limits),
        (short, limits),
        (b"\xFF\xD8 no image \xFF\xD9", limits),
        (b"", limits),
        (&scans, tight),
    ] {
        let before = inspect(jpeg, &limits).map(|_| ()).unwrap_err();
        let decoded = Decoder::new(limits).decode(jpeg, &mut RgbImage::default());
        assert_eq!(decoded.unwrap_err(), before);
    }
    for coding in codings() {
        assert!(inspect(&coded(coding), &limits).is_ok(), "{coding:?}");
    }
}

#[test]
fn an_image_is_passed_over_eight_times_at_most() {
    let limits = DecodeLimits { max_pixels: 256 * 256, ..DecodeLimits::LIVE };
    let decoded = |scans| {
        let jpeg = many_scans(256, 256, scans);
        Decoder::new(limits).decode(&jpeg, &mut RgbImage::default())
    };
    // The first scan is of three components, the others of one.
    assert_eq!(decoded(21), Ok(()));
    let refused = decoded(22).unwrap_err();
    assert_eq!(refused, DecodeError::TooManyScans { width: 256, height: 256 });
    let smaller = many_scans(128, 128, 22);
    assert_eq!(Decoder::new(limits).decode(&smaller, &mut RgbImage::default()), Ok(()));
}

#[test]
fn work_is_known_from_the_header() {
    let limits = DecodeLimits::LIVE;
    let units = |jpeg: &[u8]| inspect(jpeg, &limits).unwrap().units();
    let baseline = coded(Coding::default());
    let progressive = coded(Coding { progressive: true, ..Coding::default() });
    assert!(units(&baseline) < units(&progressive));
    let pixels = 512 * 512;
    let [few, many] = [3, 18].map(|scans| units(&many_scans(512, 512, scans)));
    // Five passes more, and a few bytes.
    assert!((5 * pixels..6 * pixels).contains(&(many - few)), "{few} and {many}");
}

#[test]
fn a_decode_that_takes_too_long_is_abandoned() {
    let noise: Vec<u8> = {
        let mut random = fastrand::Rng::with_seed(1);
        (0..512 * 512 * 3).map(|_| random.u8(..)).collect()
    };
    for coding in [Coding::default(), Coding { progressive: true, ..Coding::default() }] {
        let jpeg = encode(&noise, 512, 512, coding);
        let mut decoder = Decoder::new(DecodeLimits::LIVE);
        let mut image = RgbImage::default();
        let now = Instant::now();
        let late = decoder.decode_until(Some(now), &jpeg, &mut image);
        assert_eq!(late, Err(DecodeError::TookTooLong), "{coding:?}");
        let in_time = now + Duration::from_secs(3600);
        assert_eq!(decoder.decode_until(Some(in_time), &jpeg, &mut image), Ok(()));
    }
}

#[test]
fn orientation_comes_from_exif() {
    use Orientation::*;
    let in_order = [
        Upright,
        MirrorHorizontally,
        Rotate180,
        MirrorVertically,
        Transpose,
        Rotate90,
        Transverse,
        Rotate270,
    ];
    for (value, orientation) in (1..).zip(in_order) {
        let image =
            decode(&coded(Coding { orientation: Some(value), ..Coding::default() })).unwrap();
        assert_eq!(image.orientation, orientation);
        let upright = image.upright_size();
        let expected = if value >= 5 { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
        assert_eq!((upright.width, upright.height), expected);
    }
}

#[test]
fn broken_exif_means_upright() {
    for value in [0, 9, 255] {
        let image =
            decode(&coded(Coding { orientation: Some(value), ..Coding::default() })).unwrap();
        assert_eq!(image.orientation, Orientation::Upright);
    }
    let whole = coded(Coding { orientation: Some(6), ..Coding::default() });
    let exif = whole.windows(6).position(|bytes| bytes == b"Exif\0\0").unwrap() + 6;
    // The byte order, the offset of the directory, the type of the entry.
    for offset in [0, 4, 12] {
        let mut jpeg = whole.clone();
        jpeg[exif + offset] = 0xEE;
        assert_eq!(decode(&jpeg).unwrap().orientation, Orientation::Upright, "byte {offset}");
    }
    // A directory that is said to be longer than the data: its first entry counts all the same.
    let mut jpeg = whole.clone();
    jpeg[exif + 9] = 0xEE;
    assert_eq!(decode(&jpeg).unwrap().orientation, Orientation::Rotate90);
}

/// A JPEG with these segments of EXIF: TIFF headers and what follows.
fn with_exif(segments: &[Vec<u8>]) -> Vec<u8> {
    let mut jpeg = coded(Coding::default());
    for tiff in segments.iter().rev() {
        jpeg = with_segment(&jpeg, 0xE1, &[b"Exif\0\0", &tiff[..]].concat());
    }
    jpeg
}

/// EXIF with entries: tag, type, count and the value's first byte.
fn directory(entries: &[[u8; 4]]) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend([entries.len() as u8, 0]);
    for &[tag, kind, count, value] in entries {
        tiff.extend([tag, 0x01, kind, 0, count, 0, 0, 0, value, 0, 0, 0]);
    }
    tiff.extend([0; 4]);
    tiff
}

#[test]
fn orientation_survives_flaws_of_exif() {
    let good = [0x12, 3, 1, 6];
    for (segments, flaw) in [
        (vec![directory(&[[0x0F, 2, 2, b'A']]), directory(&[good])], "the first has none"),
        (vec![vec![], directory(&[good])], "the first is empty"),
        (vec![b"II*\0\xFF\xFF\xFF\x7F".to_vec(), directory(&[good])], "the first is broken"),
        (vec![directory(&[good]), directory(&[[0x12, 3, 1, 3]])], "there are two"),
        (vec![directory(&[good, [0, 4, 1, 1], [0x12, 3, 1, 1]])], "it comes twice"),
        (vec![directory(&[[0x12, 3, 1, 0], good])], "it comes twice, at first wrong"),
        (vec![directory(&[[0x12, 3, 0, 6]])], "its count is 0"),
        (vec![directory(&[[0x12, 8, 1, 6]])], "it is signed"),
        (vec![directory(&[[0x12, 4, 1, 6]])], "it is long"),
        (vec![directory(&[[0x12, 1, 1, 6]])], "it is a byte"),
    ] {
        let image = decode(&with_exif(&segments)).unwrap();
        assert_eq!(image.orientation, Orientation::Rotate90, "{flaw}");
    }
    let mut padded = with_exif(&[directory(&[good])]);
    assert_eq!(padded[11], 0);
    padded[11] = 0xFF;
    assert_eq!(decode(&padded).unwrap().orientation, Orientation::Rotate90);
    // More than fit their entry, so that these bytes are not a value.
    let elsewhere = with_exif(&[directory(&[[0x12, 3, 3, 6]])]);
    assert_eq!(decode(&elsewhere).unwrap().orientation, Orientation::Upright);
}

#[test]
fn what_is_missing_is_named() {
    let jpeg = coded(Coding { progressive: true, ..Coding::default() });
    let scan = jpeg.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).unwrap();
    let error = decode(&[&jpeg[..scan], &[0xFF, 0xD9]].concat()).unwrap_err();
    assert_eq!(error, DecodeError::Incomplete);
    assert_eq!(decode(&jpeg[..scan]).unwrap_err(), DecodeError::Truncated);
}

/// Reaching the end means that nothing panicked.
#[test]
fn hostile_data_never_panics_and_shows_nothing_of_the_frame_before() {
    let mut random = fastrand::Rng::with_seed(1);
    let seeds: Vec<_> = codings()
        .into_iter()
        .map(|coding| coded(Coding { orientation: Some(6), ..coding }))
        .collect();
    let mut decoder = Decoder::new(DecodeLimits::DEFAULT);
    let (mut dark, mut light) = (RgbImage::default(), RgbImage::default());
    let mut decoded = 0;
    for round in 0..4000 {
        let mut jpeg = seeds[round % seeds.len()].clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(2..jpeg.len() - 2);
            match random.u8(0..4) {
                0 => jpeg[at] = random.u8(..),
                1 => jpeg[at] ^= 1 << random.u8(0..8),
                2 => drop(jpeg.remove(at)),
                _ => jpeg.insert(at, random.u8(..)),
            }
        }
        dark.pixels.fill(0x00);
        light.pixels.fill(0xFF);
        let result = decoder.decode(&jpeg, &mut dark);
        assert_eq!(result, decoder.decode(&jpeg, &mut light));
        if result.is_ok() {
            assert_eq!(dark.pixels, light.pixels, "pixels were left unwritten");
            decoded += 1;
        }
    }
    assert!(decoded > 0, "no damaged file was decodable: the test has lost its point");
}

#[test]
fn all_photographs_of_the_test_data_decode() {
    let Some(data) = test_data() else { return };
    for folder in ["images", "codes"] {
        let mut photographs = 0;
        for entry in std::fs::read_dir(data.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "jpg") {
                let result = decode(&std::fs::read(&path).unwrap());
                assert!(result.is_ok(), "{}: {:?}", path.display(), result.err());
                photographs += 1;
            }
        }
        assert!(photographs > 0, "no photographs in {folder}");
    }
}
