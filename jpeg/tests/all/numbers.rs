//! Restart markers with other numbers than they are to have.

use framegate_jpeg::{Error, Level, Options};

use super::codings::{Coding, HEIGHT, PLAIN, WIDTH, decode, decode_with, encode};
use super::damage::restarts;

const LENIENT: Options = Options {
    lenient: true,
    scale: framegate_jpeg::Scale::Full,
    format: framegate_jpeg::Format::Rgb,
    threads: 1,
    limits: framegate_jpeg::Limits {
        max_pixels: 1 << 20,
        max_pixels_passed: 1 << 22,
        max_memory: 1 << 26,
    },
};

fn image() -> (Vec<u8>, Vec<usize>) {
    let jpeg = encode(Coding { restart_interval: 2, ..PLAIN }, WIDTH, HEIGHT);
    let found = restarts(&jpeg);
    assert!(found.len() > 10);
    (jpeg, found)
}

/// The image with its markers numbered by their places.
fn numbered(number: impl Fn(usize) -> usize) -> Vec<u8> {
    let (mut jpeg, found) = image();
    for (index, at) in found.into_iter().enumerate() {
        jpeg[at + 1] = 0xD0 + (number(index) % 8) as u8;
    }
    jpeg
}

#[test]
fn numbers_that_are_offset_or_alike_say_nothing() {
    let (jpeg, _) = image();
    let expected = decode(&jpeg).unwrap();
    for offset in 1..8 {
        for flawed in [numbered(|index| index + offset), numbered(|_| offset)] {
            assert!(decode(&flawed).as_ref() == Ok(&expected), "{offset}");
            let (decoded, pixels) = decode_with(Level::best(), &flawed, &LENIENT).unwrap();
            assert!(decoded.lost == 0 && pixels == expected, "{offset}: {} lost", decoded.lost);
        }
    }
}

#[test]
fn a_wrong_number_costs_its_interval() {
    let (jpeg, found) = image();
    let flawed = numbered(|index| if index == 4 { 7 } else { index });
    assert!(matches!(decode(&flawed), Err(Error::Corrupt(_))));
    let (decoded, pixels) = decode_with(Level::best(), &flawed, &LENIENT).unwrap();
    assert_eq!(decoded.lost, 2);
    // What is far from it is as it was.
    let (whole, rows) = (decode(&jpeg).unwrap(), 3 * WIDTH * 8);
    assert!(
        pixels[..rows] == whole[..rows]
            && pixels[pixels.len() - rows..] == whole[whole.len() - rows..]
    );
    let swapped = [
        &jpeg[..found[4]],
        &jpeg[found[5]..found[6]],
        &jpeg[found[4]..found[5]],
        &jpeg[found[6]..],
    ]
    .concat();
    assert!(decode(&swapped).is_err());
    assert_eq!(decode_with(Level::best(), &swapped, &LENIENT).unwrap().0.lost, 4);
}

#[test]
fn an_interval_that_is_missing_is_not_made_up_for_by_a_marker() {
    let (jpeg, found) = image();
    // The first interval and its marker are gone, and there is one more at the end.
    let data = found[0] - 8..found[0];
    assert!(jpeg[data].len() == 8);
    let begin = jpeg.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap() + 14;
    let end = jpeg.len() - 2;
    let moved = [&jpeg[..begin], &jpeg[found[0] + 2..end], &[0xFF, 0xD3], &jpeg[end..]].concat();
    assert!(decode(&moved).is_err());
}
