//! Codes of two dimensions. The decoders find them in black and white, so what is tried are the ways to get there.

use std::collections::HashSet;
use std::f32::consts::FRAC_PI_2;
use std::time::Instant;

use rxing::aztec::AztecReader;
use rxing::common::{GlobalHistogramBinarizer, HybridBinarizer, Result};
use rxing::datamatrix::DataMatrixReader;
use rxing::pdf417::PDF417Reader;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{
    BarcodeFormat, Binarizer, BinaryBitmap, DecodeHints, Luma8LuminanceSource, RXingResult, Reader,
};

use crate::attempt::attempt;
use crate::barcode::Barcode;
use crate::grey::GreyImage;
use crate::linear::across_the_bars;
use crate::reader::Kind;
use crate::rectify::{DARKEN, Rectified, rectify};
use crate::threshold::by_local_mean;

/// A longer side is halved first: no code has modules that small.
const LONGEST: usize = 1000;
/// Sizes to try after its own.
const SCALES: [f32; 3] = [2.0, 0.5, 3.0];
/// Shorter and longer sides that are worth it: below, modules are not resolved; above, it takes too long.
const SIDES: (usize, usize) = (24, 1200);

/// Reads the code in an image of about its size.
pub(crate) fn read(image: &GreyImage, kind: Kind, deadline: Instant) -> Option<Barcode> {
    let shrink = image.width.max(image.height).div_ceil(LONGEST);
    let own = 1.0 / shrink as f32;
    let first = scaled(image, own);
    decode(&first, kind, deadline)
        .map(|found| placed(found, own))
        .or_else(|| decode_rectified(&first, kind, deadline).map(|found| placed(found, own)))
        .or_else(|| {
            SCALES.into_iter().map(|scale| scale * own).find_map(|scale| {
                let size = scaled_size(image, scale);
                let is_worth_it = size.0.min(size.1) >= SIDES.0 && size.0.max(size.1) <= SIDES.1;
                let retry = is_worth_it && Instant::now() < deadline;
                let found = retry.then(|| decode(&scaled(image, scale), kind, deadline))?;
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
fn decode_rectified(image: &GreyImage, kind: Kind, deadline: Instant) -> Option<Barcode> {
    if Instant::now() >= deadline {
        return None;
    }
    if kind == Kind::Pdf417 {
        // The edges of its rows are as strong as those of its bars.
        let across = across_the_bars(image);
        return [across, across + FRAC_PI_2].into_iter().find_map(|angle| {
            let (turned, back) = image.turned(-angle);
            let found = decode(&turned, kind, deadline)?;
            Some(Barcode { corners: found.corners.map(|corners| corners.map(&back)), ..found })
        });
    }
    let mut in_time = DARKEN.into_iter().take_while(|_| Instant::now() < deadline);
    in_time.find_map(|darken| {
        let Rectified { image, map } = rectify(image, darken)?;
        let found = decode(&image, kind, deadline)?;
        let corners = found.corners.map(|corners| corners.map(|corner| map.apply(corner)));
        Some(Barcode { corners, ..found })
    })
}

/// Tries one way after another to make the image black and white.
fn decode(image: &GreyImage, kind: Kind, deadline: Instant) -> Option<Barcode> {
    const WAYS: [fn(&GreyImage, Kind) -> Result<RXingResult>; 3] = [
        |image, kind| find(HybridBinarizer::new(source(image)?), kind),
        |image, kind| find(GlobalHistogramBinarizer::new(source(image)?), kind),
        |image, kind| find(GlobalHistogramBinarizer::new(source(&by_local_mean(image))?), kind),
    ];
    let mut in_time = WAYS.iter().take_while(|_| Instant::now() < deadline);
    in_time.find_map(|way| attempt(|| way(image, kind)))
}

fn source(image: &GreyImage) -> Result<Luma8LuminanceSource> {
    Luma8LuminanceSource::new(image.pixels.clone(), image.width as u32, image.height as u32)
}

/// Decodes the code, dark on bright or bright on dark.
fn find<B: Binarizer>(binarizer: B, kind: Kind) -> Result<RXingResult> {
    let mut bitmap = BinaryBitmap::new(binarizer);
    find_dark(&mut bitmap, kind).or_else(|_| {
        bitmap.invert();
        find_dark(&mut bitmap, kind)
    })
}

fn find_dark<B: Binarizer>(bitmap: &mut BinaryBitmap<B>, kind: Kind) -> Result<RXingResult> {
    let mut hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
    match kind {
        Kind::Aztec => AztecReader.decode_with_hints(bitmap, &hints),
        Kind::DataMatrix => DataMatrixReader.decode_with_hints(bitmap, &hints),
        Kind::Pdf417 => PDF417Reader.decode_with_hints(bitmap, &hints),
        Kind::QrCode | Kind::Linear => {
            hints.PossibleFormats = Some(HashSet::from([
                BarcodeFormat::QR_CODE,
                BarcodeFormat::MICRO_QR_CODE,
                BarcodeFormat::RECTANGULAR_MICRO_QR_CODE,
            ]));
            let found = QrReader.decode_with_hints(bitmap, &hints);
            found.or_else(|_| QRCodeReader.decode_with_hints(bitmap, &hints))
        }
    }
}
