//! Damaged JPEGs: an error, or an image of the undamaged parts. Never a panic.

use framegate_jpeg::{Decoder, Error, Format, Header, Level, Options, Scale};

use super::codings::{Coding, HEIGHT, PLAIN, WIDTH, all, at, decode, decode_with, encode};
use super::sloppy::without;

#[test]
fn a_jpeg_cut_off_anywhere_is_refused_as_such() {
    for coding in all() {
        let jpeg = encode(coding, WIDTH, HEIGHT);
        // Without its end marker it is whole.
        let end = jpeg.len() - 2;
        let near_an_end =
            |length: &usize| *length < 100 || end - length < 60 || length.is_multiple_of(29);
        for length in (2..end).filter(near_an_end) {
            let error = decode(&jpeg[..length]).expect_err("it is cut off");
            assert_eq!(error, Error::Truncated, "{coding:?} at {length} of {}", jpeg.len());
        }
        assert!(decode(&jpeg[..end]) == decode(&jpeg));
    }
}

/// Where the first scan's data begins.
fn data(jpeg: &[u8]) -> usize {
    jpeg.windows(2).position(|pair| pair == [0xFF, 0xDA]).expect("it has a scan") + 14
}

#[test]
fn data_that_is_missing_before_the_end_marker_is_noticed() {
    for coding in all() {
        let jpeg = encode(coding, WIDTH, HEIGHT);
        for length in (data(&jpeg)..jpeg.len() - 4).rev().step_by(17) {
            let cut = [&jpeg[..length], &[0xFF, 0xD9]].concat();
            assert!(decode(&cut).is_err(), "{coding:?} at {length} of {}", jpeg.len());
        }
    }
}

/// Positions of restart markers.
pub(crate) fn restarts(jpeg: &[u8]) -> Vec<usize> {
    let is_restart = |pair: &[u8]| pair[0] == 0xFF && matches!(pair[1], 0xD0..=0xD7);
    let from = data(jpeg);
    let pairs = jpeg[from..].windows(2).enumerate();
    pairs.filter(|(_, pair)| is_restart(pair)).map(|(at, _)| from + at).collect()
}

#[test]
fn a_lost_interval_costs_the_frame_or_its_blocks() {
    let coding = Coding { restart_interval: 3, ..PLAIN };
    let jpeg = encode(coding, WIDTH, HEIGHT);
    let whole = decode(&jpeg).unwrap();
    let found = restarts(&jpeg);
    let lenient = Options { lenient: true, ..Options::default() };
    // Six MCUs across, three in an interval: interval `n` is half of row `n / 2`.
    for lost in 1..found.len() - 1 {
        let without = [&jpeg[..found[lost - 1]], &jpeg[found[lost]..]].concat();
        assert!(matches!(decode(&without), Err(Error::Corrupt(_))), "interval {lost}");
        let (decoded, pixels) = decode_with(Level::best(), &without, &lenient).unwrap();
        assert_eq!(decoded.lost, 3);
        for (n, (pixel, expected)) in pixels.chunks(3).zip(whole.chunks(3)).enumerate() {
            let (x, y) = (n % WIDTH, n / WIDTH);
            // Filters mix the samples on either side of a border.
            let is_lost = (y + 1) / 16 == lost / 2
                || y / 16 == lost / 2
                || y.saturating_sub(1) / 16 == lost / 2;
            let is_beside = if lost % 2 == 0 { x > 49 } else { x < 47 };
            assert!(is_lost && !is_beside || pixel == expected, "interval {lost} at {x}, {y}");
        }
        let grey = [128; 3];
        let at = lost / 2 * 16 * WIDTH + 5 * WIDTH + if lost % 2 == 0 { 20 } else { 70 };
        assert_eq!(pixels[3 * at..][..3], grey);
    }
    assert!(found.len() > 5);
}

/// Where the segment of each scan begins.
fn scans(jpeg: &[u8]) -> Vec<usize> {
    let pairs = jpeg.windows(2).enumerate();
    pairs.filter(|(_, pair)| *pair == [0xFF, 0xDA]).map(|(at, _)| at).collect()
}

#[test]
fn a_progressive_jpeg_of_which_scans_are_missing_is_refused_or_coarse() {
    let jpeg = encode(Coding { progressive: true, ..PLAIN }, WIDTH, HEIGHT);
    let whole = decode(&jpeg).unwrap();
    let lenient = Options { lenient: true, ..Options::default() };
    let mcus = WIDTH.div_ceil(16) * HEIGHT.div_ceil(16);
    let scans = scans(&jpeg);
    assert!(scans.len() > 4);
    for &begin in &scans[1..] {
        let coarse = [&jpeg[..begin], &[0xFF, 0xD9]].concat();
        assert_eq!(decode(&coarse), Err(Error::Incomplete));
        assert_eq!(decode(&jpeg[..begin]), Err(Error::Truncated));
        let (result, pixels) = decode_with(Level::best(), &coarse, &lenient).unwrap();
        assert_eq!(result.lost, mcus);
        assert!(pixels != whole);
    }
    // One in the middle.
    let without = [&jpeg[..scans[2]], &jpeg[scans[3]..]].concat();
    assert!(decode(&without).is_err());
}

#[test]
fn a_component_without_a_scan_is_an_error_or_grey() {
    let jpeg = encode(Coding { optimised: true, ..PLAIN }, WIDTH, HEIGHT);
    let scans = scans(&jpeg);
    assert_eq!(scans.len(), 3, "the encoder has other scans now");
    let mcus = WIDTH.div_ceil(16) * HEIGHT.div_ceil(16);
    let lenient = Options { lenient: true, ..Options::default() };
    let luma = Options { format: Format::Luma, ..Options::default() };
    let (_, whole) = decode_with(Level::best(), &jpeg, &luma).unwrap();
    for end in [&[0xFF, 0xD9][..], &[]] {
        let first = [&jpeg[..scans[1]], end].concat();
        let expected = if end.is_empty() { Error::Truncated } else { Error::Incomplete };
        assert_eq!(decode(&first), Err(expected));
        let (result, pixels) = decode_with(Level::best(), &first, &lenient).unwrap();
        assert_eq!(result.lost, mcus);
        // Without chrominance, what is left is luma.
        assert!(pixels.as_chunks::<3>().0.iter().zip(&whole).all(|(rgb, y)| *rgb == [*y; 3]));
    }
    // A table that is missing is another matter.
    let without = without(&jpeg, 0xDB);
    for options in [lenient, Options::default()] {
        let error = decode_with(Level::best(), &without, &options).unwrap_err();
        assert!(error.to_string().contains("quantisation table"), "{error}");
    }
}

#[test]
fn bits_that_mean_nothing_are_an_error_or_cost_an_interval() {
    let coding = Coding { restart_interval: 2, ..PLAIN };
    let mut jpeg = encode(coding, WIDTH, HEIGHT);
    let at = restarts(&jpeg)[2] + 4;
    for byte in [0xFE; 4].iter().enumerate() {
        jpeg[at + byte.0] = *byte.1;
    }
    let lenient = Options { lenient: true, ..Options::default() };
    assert!(decode(&jpeg).is_err());
    let (decoded, _) = decode_with(Level::best(), &jpeg, &lenient).unwrap();
    assert!((1..=2).contains(&decoded.lost), "{} were lost", decoded.lost);
}

/// Reaching the end means that nothing panicked; levels agree even on nonsense.
#[test]
fn mutated_files_never_panic_and_are_the_same_at_every_level() {
    let rounds = std::env::var("MUTATIONS").map_or(4000, |count| count.parse().unwrap());
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed);
    let seeds: Vec<_> = all().into_iter().map(|coding| encode(coding, 40, 37)).collect();
    let mut decoders = Level::available().into_iter().map(Decoder::with_level).collect::<Vec<_>>();
    let mut decoded = 0;
    for round in 0..rounds {
        let mut jpeg = seeds[round % seeds.len()].clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(2..jpeg.len());
            match random.u8(0..6) {
                0 => jpeg[at] = random.u8(..),
                1 => jpeg[at] ^= 1 << random.u8(0..8),
                2 => drop(jpeg.remove(at)),
                3 => jpeg.insert(at, random.u8(..)),
                4 => jpeg.truncate(at.max(20)),
                _ => {
                    let (from, length) = (random.usize(..jpeg.len()), random.usize(..200));
                    let part = jpeg[from..(from + length).min(jpeg.len())].to_vec();
                    jpeg.splice(at..at, part);
                }
            }
        }
        let options = Options {
            lenient: random.bool(),
            limits: framegate_jpeg::Limits {
                max_pixels: 1 << 20,
                max_pixels_passed: 1 << 22,
                max_memory: 1 << 26,
            },
            ..at(Scale::ALL[random.usize(0..4)])
        };
        let mut results = decoders.iter_mut().map(|decoder| {
            let mut pixels = vec![];
            let header = Header::read(&jpeg)?;
            let result = decoder.decode(&header, &options, &mut pixels)?;
            assert_eq!(pixels.len(), result.width * result.height * 3);
            Ok::<_, Error>((result, pixels))
        });
        let first = results.next().unwrap();
        decoded += usize::from(first.is_ok());
        assert!(results.all(|other| other == first), "round {round}");
    }
    assert!(decoded > rounds / 50, "{decoded} of {rounds} were decoded");
}
