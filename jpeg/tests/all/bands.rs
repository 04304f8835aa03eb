//! Several threads decode one image: it is the same image, and damaged for the same reasons.

use framegate_jpeg::{Format, Level, Options, Scale};

use crate::codings::{Coding, all, at, decode_with, encode};

/// More than two megapixels (2^21), and whole MCUs of no kind.
const WIDTH: usize = 1453;
const HEIGHT: usize = 1447;

/// Images of every sampling whose intervals are this many thirds of a row of MCUs.
fn images(thirds: usize) -> impl Iterator<Item = (Coding, Vec<u8>)> {
    let plain =
        |coding: &Coding| !coding.progressive && !coding.optimised && coding.restart_interval == 0;
    all().into_iter().filter(plain).map(move |coding| {
        let across = WIDTH.div_ceil(8 * (coding.sampling as usize >> 4));
        let coding = Coding { restart_interval: (across * thirds / 3) as u16, ..coding };
        (coding, encode(coding, WIDTH, HEIGHT))
    })
}

fn shared(threads: usize, options: Options) -> Options {
    Options { threads, ..options }
}

#[test]
fn several_threads_decode_the_same_pixels() {
    // Intervals of a third of a row (where that is whole), of a row, of two.
    for (coding, jpeg) in [1, 3, 6].into_iter().flat_map(images) {
        for options in Scale::ALL
            .map(at)
            .into_iter()
            .chain([Options { format: Format::Luma, ..Options::default() }])
        {
            let alone = decode_with(Level::best(), &jpeg, &options).unwrap();
            for threads in [2, 3, 16] {
                let found = decode_with(Level::best(), &jpeg, &shared(threads, options)).unwrap();
                assert!(found == alone, "{coding:?}, {options:?}, {threads} threads");
            }
        }
    }
}

#[test]
fn damage_is_found_as_by_one_thread() {
    let (_, jpeg) = images(3).next().unwrap();
    let mut random = fastrand::Rng::with_seed(18);
    let mut errors = 0;
    for _ in 0..40 {
        let mut damaged = jpeg.clone();
        match random.u8(..4) {
            0 => damaged.truncate(random.usize(700..jpeg.len())),
            1 => drop(damaged.drain(random.usize(700..800)..random.usize(800..jpeg.len()))),
            _ => damaged[random.usize(700..jpeg.len())] = random.u8(..),
        }
        let alone = decode_with(Level::best(), &damaged, &Options::default());
        errors += usize::from(alone.is_err());
        let found = decode_with(Level::best(), &damaged, &shared(3, Options::default()));
        assert!(
            found == alone,
            "{:?} and {:?}",
            found.map(|found| found.0),
            alone.map(|alone| alone.0)
        );
    }
    assert!(errors > 10, "{errors} damaged");
}

#[test]
fn a_caller_who_stops_stops_every_thread() {
    let (_, jpeg) = images(3).next().unwrap();
    let header = framegate_jpeg::Header::read(&jpeg).unwrap();
    let options = shared(4, Options::default());
    let mut rows = 0;
    let mut keep_going = || {
        rows += 1;
        rows < 5
    };
    let mut pixels = vec![];
    let stopped = framegate_jpeg::Decoder::new().decode_while(
        &header,
        &options,
        &mut pixels,
        &mut keep_going,
    );
    assert_eq!(stopped, Err(framegate_jpeg::Error::Stopped));
    assert_eq!(rows, 5);
}
