//! Data beyond what the image takes: padding, rows below it, text, and zeros in place of data.

use framegate_jpeg::{Error, Level, Options};
use jpeg_encoder::SamplingFactor;

use super::codings::{Coding, HEIGHT, PLAIN, WIDTH, all, decode, decode_with, encode};
use super::damage::restarts;
use super::sloppy::{position, with};

/// The JPEG with these bytes before each restart marker.
fn padded(jpeg: &[u8], padding: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut padded = jpeg.to_vec();
    for at in restarts(jpeg).into_iter().rev() {
        padded = with(&padded, at, &padding(at));
    }
    padded
}

#[test]
fn intervals_may_be_padded() {
    for coding in all().into_iter().filter(|coding| coding.restart_interval > 0) {
        let jpeg = encode(coding, WIDTH, HEIGHT);
        let expected = decode(&jpeg);
        for bytes in [1, 2, 3, 16] {
            assert!(decode(&padded(&jpeg, |_| vec![0; bytes])) == expected, "{coding:?}: {bytes}");
            assert!(decode(&padded(&jpeg, |_| [0xFF, 0x00].repeat(bytes))) == expected);
        }
        assert!(decode(&padded(&jpeg, |at| vec![0; at % 4])) == expected, "{coding:?}");
        for data in [&[0; 40][..], &[0x12], &[0xA5; 8]] {
            let is_data = |error| matches!(error, Error::Corrupt(_) | Error::Truncated);
            assert!(decode(&padded(&jpeg, |_| data.to_vec())).is_err_and(is_data));
        }
    }
}

/// The JPEG with another height in its header.
fn lower(mut jpeg: Vec<u8>, height: usize) -> Vec<u8> {
    let at = position(&jpeg, 0xC0).start + 5;
    jpeg[at..at + 2].copy_from_slice(&u16::to_be_bytes(height as u16));
    jpeg
}

#[test]
fn a_row_below_the_image_is_passed_over() {
    use SamplingFactor::*;
    for (sampling, row) in [(F_2_1, 8), (F_2_2, 16), (F_1_1, 8)] {
        let across = WIDTH.div_ceil(if matches!(sampling, F_1_1) { 8 } else { 16 });
        for restart_interval in [0, 1, 2, across, 2 * across] {
            let coding = Coding { sampling, restart_interval: restart_interval as u16, ..PLAIN };
            let jpeg = encode(coding, WIDTH, 4 * row);
            let whole = decode(&jpeg).unwrap();
            let found = decode(&lower(jpeg.clone(), 3 * row));
            // Numbers come again after eight intervals.
            let is_known = restart_interval == 0 || across < 8 * restart_interval;
            if !is_known {
                assert!(found.is_err(), "{coding:?}");
                continue;
            }
            let found = found.unwrap_or_else(|error| panic!("{coding:?}: {error}"));
            // Filters mix the last row of the image with the row below.
            let rows = 3 * WIDTH * (3 * row - 1);
            assert!(found[..rows] == whole[..rows], "{coding:?}");
            // More than one row is a sign that the header is wrong.
            assert!(decode(&lower(jpeg.clone(), 2 * row)).is_err(), "{coding:?}");
            // As is a row that is not whole.
            let cut = [&jpeg[..jpeg.len() - 40], &[0xFF, 0xD9]].concat();
            assert!(decode(&lower(cut, 3 * row)).is_err(), "{coding:?}");
        }
    }
}

#[test]
fn text_may_follow_where_the_end_marker_is_missing() {
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let end = jpeg.len() - 2;
    for text in
        ["\r\n--boundary\r\nContent-Type: image/jpeg\r\nContent-Length: 4711\r\n\r\n", "SEFD"]
    {
        let followed = [&jpeg[..end], text.repeat(10).as_bytes()].concat();
        assert!(decode(&followed) == decode(&jpeg));
    }
    let followed = [&jpeg[..end], &[0xA5; 40]].concat();
    assert_eq!(decode(&followed), Err(Error::Corrupt("data is left over")));
}

#[test]
fn zeros_in_place_of_data_are_not_an_image() {
    let lenient = Options { lenient: true, ..Options::default() };
    let is_scan = |pair: &&[u8]| *pair == [0xFF, 0xDA];
    for coding in all().into_iter().filter(|coding| !coding.progressive) {
        let jpeg = encode(coding, WIDTH, HEIGHT);
        if jpeg.windows(2).filter(is_scan).count() > 1 {
            continue;
        }
        let complete = with(&jpeg, jpeg.len() - 2, &[0; 5000]);
        assert!(decode(&complete) == decode(&jpeg), "{coding:?}");
        for tenths in [5, 8, 9] {
            let cut = &jpeg[..jpeg.len() * tenths / 10];
            let filled = [cut, &[0; 5000], &[0xFF, 0xD9]].concat();
            let error = decode(&filled).expect_err("it is cut off");
            assert_eq!(error, Error::Truncated, "{coding:?} at {tenths}");
            let lost = |jpeg: &[u8]| decode_with(Level::best(), jpeg, &lenient).unwrap().0.lost;
            let (found, expected) = (lost(&filled), lost(cut));
            // The zeros may end the MCU that was cut off, and begin another.
            assert!(expected > 1 && found + 4 > expected, "{coding:?}: {found} of {expected} lost");
        }
    }
}
