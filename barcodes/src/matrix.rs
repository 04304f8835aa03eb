//! Codes of two dimensions. The decoders find them in black and white, so what is tried are the ways to get there.

use std::collections::HashSet;
use std::f32::consts::FRAC_PI_2;

use rxing::aztec::AztecReader;
use rxing::common::{GlobalHistogramBinarizer, HybridBinarizer, Result};
use rxing::datamatrix::DataMatrixReader;
use rxing::pdf417::PDF417Reader;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{
    BarcodeFormat, Binarizer, BinaryBitmap, DecodeHints, Exceptions, Luma8LuminanceSource,
    RXingResult, Reader,
};

use crate::attempt::attempt;
use crate::barcode::Barcode;
use crate::budget::Budget;
use crate::grey::GreyImage;
use crate::kind::Kind;
use crate::linear::across_the_bars;
use crate::rectify::{DARKEN, Rectified, rectified_size, rectify};
use crate::threshold::by_local_mean;

/// A longer side is halved first: no code has modules that small.
const LONGEST: usize = 1000;
/// It is not made smaller than this to be read in time: modules would be lost.
const SHORTEST: usize = 200;
/// Sizes to try after its own.
const SCALES: [f32; 3] = [2.0, 0.5, 3.0];
/// Shorter and longer sides that are worth it: below, modules are not resolved; above, it takes too long.
const SIDES: (usize, usize) = (24, 1200);

/// Reads the code in an image of about its size.
pub(crate) fn read(image: &GreyImage, kind: Kind, budget: Budget<'_>) -> Option<Barcode> {
    let longest = image.width.max(image.height);
    let shrink = 1.0 / longest.div_ceil(LONGEST) as f32;
    let (width, height) = scaled_size(image, shrink);
    let in_time = shrink * budget.scale(kind, width * height);
    let own = in_time.max(SHORTEST as f32 / longest as f32).min(shrink);
    let first = scaled(image, own);
    decode(&first, kind, budget)
        .map(|found| placed(found, own))
        .or_else(|| decode_rectified(&first, kind, budget).map(|found| placed(found, own)))
        .or_else(|| {
            SCALES.into_iter().map(|scale| scale * own).find_map(|scale| {
                let size = scaled_size(image, scale);
                let is_worth_it = size.0.min(size.1) >= SIDES.0 && size.0.max(size.1) <= SIDES.1;
                let retry = is_worth_it && budget.allows(kind, size.0 * size.1);
                let found = retry.then(|| decode(&scaled(image, scale), kind, budget))?;
                found.map(|found| placed(found, scale))
            })
        })
}

fn scaled_size(image: &GreyImage, scale: f32) -> (usize, usize) {
    let scaled = |side: usize| (side as f32 * scale) as usize;
    (scaled(image.width), scaled(image.height))
}

fn scaled(image: &GreyImage, scale: f32) -> GreyImage {
    match scaled_size(image, scale) {
        size if size == (image.width, image.height) => image.clone(),
        (width, height) => image.resized(width, height),
    }
}

/// The code with its corners in the image that was scaled.
fn placed(found: Barcode, scale: f32) -> Barcode {
    let corners = found.corners.map(|corners| corners.map(|[x, y]| [x / scale, y / scale]));
    Barcode { corners, ..found }
}

/// Codes that are seen from the side are decoded better once they are square, and stacked bars once they are upright.
fn decode_rectified(image: &GreyImage, kind: Kind, budget: Budget<'_>) -> Option<Barcode> {
    if kind == Kind::Pdf417 {
        // The edges of its rows are as strong as those of its bars.
        let across = across_the_bars(image);
        // An image that is turned has up to twice as many pixels.
        let is_in_time = |_: &f32| budget.allows(kind, 2 * image.pixels.len());
        return [across, across + FRAC_PI_2].into_iter().take_while(is_in_time).find_map(|angle| {
            let (turned, back) = image.turned(-angle);
            let found = decode(&turned, kind, budget)?;
            Some(Barcode { corners: found.corners.map(|corners| corners.map(&back)), ..found })
        });
    }
    let pixels = rectified_size(image);
    let mut in_time = DARKEN.into_iter().take_while(|_| budget.allows(kind, pixels));
    in_time.find_map(|darken| {
        let Rectified { image, map } = rectify(image, darken)?;
        let found = decode(&image, kind, budget)?;
        let corners = found.corners.map(|corners| corners.map(|corner| map.apply(corner)));
        Some(Barcode { corners, ..found })
    })
}

/// Tries one way after another to make the image black and white.
fn decode(image: &GreyImage, kind: Kind, budget: Budget<'_>) -> Option<Barcode> {
    type Way = fn(&GreyImage, &Attempts<'_>) -> Result<RXingResult>;
    const WAYS: [Way; 3] = [
        |image, attempts| attempts.find(HybridBinarizer::new(source(image)?)),
        |image, attempts| attempts.find(GlobalHistogramBinarizer::new(source(image)?)),
        |image, attempts| {
            attempts.find(GlobalHistogramBinarizer::new(source(&by_local_mean(image))?))
        },
    ];
    let attempts = Attempts { kind, budget, pixels: image.pixels.len() };
    let mut in_time = WAYS.iter().take_while(|_| attempts.are_in_time());
    in_time.find_map(|way| attempt(|| way(image, &attempts)))
}

fn source(image: &GreyImage) -> Result<Luma8LuminanceSource> {
    Luma8LuminanceSource::new(image.pixels.clone(), image.width as u32, image.height as u32)
}

/// Attempts to decode an image, each within the budget.
struct Attempts<'a> {
    kind: Kind,
    budget: Budget<'a>,
    pixels: usize,
}

impl Attempts<'_> {
    fn are_in_time(&self) -> bool {
        self.budget.allows(self.kind, self.pixels)
    }

    /// Decodes the code, dark on bright or bright on dark.
    fn find<B: Binarizer>(&self, binarizer: B) -> Result<RXingResult> {
        let mut bitmap = BinaryBitmap::new(binarizer);
        self.find_dark(&mut bitmap).or_else(|_| {
            bitmap.invert();
            self.find_dark(&mut bitmap)
        })
    }

    fn find_dark<B: Binarizer>(&self, bitmap: &mut BinaryBitmap<B>) -> Result<RXingResult> {
        let mut hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
        match self.kind {
            Kind::Aztec => self.run(&mut AztecReader, bitmap, &hints),
            Kind::DataMatrix => self.run(&mut DataMatrixReader, bitmap, &hints),
            Kind::Pdf417 => self.run(&mut PDF417Reader, bitmap, &hints),
            Kind::QrCode | Kind::Linear => {
                hints.PossibleFormats = Some(HashSet::from([
                    BarcodeFormat::QR_CODE,
                    BarcodeFormat::MICRO_QR_CODE,
                    BarcodeFormat::RECTANGULAR_MICRO_QR_CODE,
                ]));
                let found = self.run(&mut QrReader, bitmap, &hints);
                found.or_else(|_| self.run(&mut QRCodeReader, bitmap, &hints))
            }
        }
    }

    fn run<B: Binarizer>(
        &self,
        reader: &mut impl Reader,
        bitmap: &mut BinaryBitmap<B>,
        hints: &DecodeHints,
    ) -> Result<RXingResult> {
        if !self.are_in_time() {
            return Err(Exceptions::NOT_FOUND);
        }
        let decode = || reader.decode_with_hints(bitmap, hints);
        self.budget.measure(self.kind, self.pixels, decode)
    }
}
