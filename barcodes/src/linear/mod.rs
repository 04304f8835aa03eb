//! Codes of bars: scan lines across the bars, and a vote among them.

mod bars;
mod direction;
mod retail;
mod scan_line;
mod vote;

use std::collections::HashSet;

use rxing::common::{BitArray, HybridBinarizer};
use rxing::oned::rss::expanded::RSSExpandedReader;
use rxing::oned::{MultiFormatOneDReader, OneDReader};
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Exceptions, Luma8LuminanceSource, Reader};

use crate::attempt::attempt;
use crate::barcode::Barcode;
use crate::budget::Budget;
use crate::grey::GreyImage;
use crate::kind::Kind;
pub(crate) use direction::across_the_bars;
use scan_line::ScanLine;
use vote::Votes;

const FORMATS: [BarcodeFormat; 11] = [
    BarcodeFormat::CODABAR,
    BarcodeFormat::CODE_39,
    BarcodeFormat::CODE_93,
    BarcodeFormat::CODE_128,
    BarcodeFormat::EAN_8,
    BarcodeFormat::EAN_13,
    BarcodeFormat::ITF,
    BarcodeFormat::RSS_14,
    BarcodeFormat::RSS_EXPANDED,
    BarcodeFormat::UPC_A,
    BarcodeFormat::UPC_E,
];
/// Scan lines across a code, evenly spaced.
const LINES: usize = 61;
/// Passes over all directions, each with lines of its own: a direction that is wrong is wrong for all lines. An odd number, as
/// lines lie above and below the middle in turn.
const PASSES: usize = 5;

/// Reads the code in an image of about its size.
pub(crate) fn read(image: &GreyImage, budget: Budget<'_>) -> Option<Barcode> {
    let mut votes = Votes::default();
    let mut readers = direction::candidates(image).map(|direction| (direction, RowReader::new()));
    for pass in 0..PASSES {
        for (direction, reader) in &mut readers {
            for number in from_the_middle(LINES).skip(pass).step_by(PASSES) {
                if budget.is_spent() {
                    return votes.winner();
                }
                let line = ScanLine::across(image, *direction, number, LINES);
                let Some(found) = line.and_then(|line| reader.read(number, &line)) else {
                    continue;
                };
                votes.count(found, number);
                if let Some(winner) = votes.early_winner() {
                    return Some(winner);
                }
            }
        }
    }
    votes.winner().or_else(|| stacked(image, budget))
}

/// The lines from the middle outwards: that is where the bars are.
fn from_the_middle(count: usize) -> impl Iterator<Item = usize> {
    let middle = count / 2;
    (0..count).map(move |step| match step % 2 {
        0 => middle + step / 2,
        _ => middle - step.div_ceil(2),
    })
}

/// Reads codes in single rows of bars. Of stacked codes it remembers what earlier rows held.
struct RowReader {
    hints: DecodeHints,
    forwards: MultiFormatOneDReader,
    backwards: MultiFormatOneDReader,
}

impl RowReader {
    fn new() -> Self {
        let hints = DecodeHints {
            // Else the separators of GS1-128 are left out.
            AssumeGs1: Some(true),
            PossibleFormats: Some(HashSet::from(FORMATS)),
            ReturnCodabarStartEnd: Some(true),
            TryHarder: Some(true),
            ..DecodeHints::default()
        };
        let reader = || MultiFormatOneDReader::new(&hints);
        Self { forwards: reader(), backwards: reader(), hints }
    }

    /// Tries one way after another to find the bars of a line, and both directions.
    fn read(&mut self, number: usize, line: &ScanLine) -> Option<Barcode> {
        let number = number as u32;
        let read = |reader: &mut MultiFormatOneDReader, bars: &BitArray| {
            attempt(|| {
                let found = reader.decode_row(number, bars, &self.hints)?;
                let start = found.getPoints().first().map_or(0.0, |point| point.x);
                match retail::are_digits(*found.getBarcodeFormat(), bars, start) {
                    true => Ok(found),
                    false => Err(Exceptions::NOT_FOUND),
                }
            })
        };
        bars::ALL.iter().filter_map(|find_bars| find_bars(line)).find_map(|mut bars| {
            read(&mut self.forwards, &bars).or_else(|| {
                bars.reverse();
                read(&mut self.backwards, &bars)
            })
        })
    }
}

/// Codes whose rows are stacked, which are made of more rows than lines may have met.
fn stacked(image: &GreyImage, budget: Budget<'_>) -> Option<Barcode> {
    let pixels = image.pixels.len();
    if !budget.allows(Kind::Linear, pixels) {
        return None;
    }
    let hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
    let decode = || {
        let (width, height) = (image.width as u32, image.height as u32);
        let source = Luma8LuminanceSource::new(image.pixels.clone(), width, height)?;
        let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
        RSSExpandedReader::default().decode_with_hints(&mut bitmap, &hints)
    };
    budget.measure(Kind::Linear, pixels, || attempt(decode))
}
