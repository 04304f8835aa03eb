//! Decodes JPEG bytes to pixels.

mod check;
mod error;
mod image;
mod limits;
mod options;
mod scale;
mod work;
mod zune;

use std::time::Instant;

use framegate_jpeg::{Header, Limits, Options, Scale};
use framegate_models::Size;
use framegate_models::detector::ImageInput;

use super::{FrameTransform, Orientation};
use zune::ZuneDecoder;

pub use error::DecodeError;
pub use image::RgbImage;
pub use limits::DecodeLimits;
pub use options::{DecodeOptions, JpegDecoder, UnknownDecoder};
pub use work::DecodeWork;

/// The cost of decoding a JPEG. Reads headers alone, so it is quick however costly the JPEG is.
///
/// # Errors
/// [`DecodeError`] when the header shows already that the JPEG cannot be decoded or is over a limit.
pub fn inspect(jpeg: &[u8], limits: &DecodeLimits) -> Result<DecodeWork, DecodeError> {
    read(jpeg, limits).map(|(_, work)| work)
}

/// Whether several threads may share the work of decoding a JPEG, which a damaged one never has.
pub fn can_be_shared(jpeg: &[u8]) -> bool {
    Header::read(jpeg).is_ok_and(|header| header.can_be_shared())
}

/// The headers of a JPEG and the cost of decoding it, if it is within the limits.
fn read<'a>(
    jpeg: &'a [u8],
    limits: &DecodeLimits,
) -> Result<(Header<'a>, DecodeWork), DecodeError> {
    let header = Header::read(jpeg).map_err(|error| DecodeError::of(error, (0, 0), limits))?;
    let (width, height) = (header.width(), header.height());
    limits.check(width, height)?;
    if !header.is_plausible() {
        return Err(DecodeError::Implausible { width, height });
    }
    let passed = usize::try_from(header.pixels_passed()).unwrap_or(usize::MAX);
    let work = DecodeWork::new(width * height, passed, jpeg.len());
    limits.check_work(width, height, &work)?;
    Ok((header, work))
}

/// Decodes JPEGs; keeps its memory between calls.
#[derive(Debug)]
pub struct Decoder {
    options: DecodeOptions,
    own: framegate_jpeg::Decoder,
    zune: ZuneDecoder,
    threads: usize,
    lost: usize,
}

impl Decoder {
    /// A decoder for images within limits.
    pub fn new(options: impl Into<DecodeOptions>) -> Self {
        Self {
            options: options.into(),
            own: framegate_jpeg::Decoder::new(),
            zune: ZuneDecoder::default(),
            threads: 1,
            lost: 0,
        }
    }

    /// Decodes a whole JPEG into `image`, whose memory is reused, at full scale. Everything that the header says is
    /// checked before pixels are allocated. Bytes after the end marker are ignored.
    ///
    /// # Errors
    /// [`DecodeError`]; the contents of `image` are then unspecified.
    pub fn decode(&mut self, jpeg: &[u8], image: &mut RgbImage) -> Result<(), DecodeError> {
        self.decode_until(None, jpeg, image)
    }

    /// The same, but gives up soon after a deadline: [`DecodeError::TookTooLong`].
    ///
    /// # Errors
    /// [`DecodeError`]; the contents of `image` are then unspecified.
    pub fn decode_until(
        &mut self,
        deadline: Option<Instant>,
        jpeg: &[u8],
        image: &mut RgbImage,
    ) -> Result<(), DecodeError> {
        let (header, _) = read(jpeg, &self.options.limits)?;
        self.decode_at(Scale::Full, deadline, &header, orientation(&header), jpeg, image)
    }

    /// The same at the scale that the options ask for, and returns the size of the upright frame. At full scale it is
    /// that of the image.
    pub(super) fn decode_for(
        &mut self,
        input: &ImageInput,
        deadline: Option<Instant>,
        jpeg: &[u8],
        image: &mut RgbImage,
    ) -> Result<Size, DecodeError> {
        let (header, _) = read(jpeg, &self.options.limits)?;
        let orientation = orientation(&header);
        let (width, height) = orientation.swap_if_turned(header.width(), header.height());
        let upright = Size { width, height };
        let seen = FrameTransform::of(upright, input).whole_at_scale();
        let (width, height) = orientation.swap_if_turned(seen.width, seen.height);
        let stored = Size { width: header.width(), height: header.height() };
        let asked = self.options.scale.or(input.decode_scale).unwrap_or_default();
        let scale = scale::choose(asked, stored, Size { width, height });
        self.decode_at(scale, deadline, &header, orientation, jpeg, image)?;
        Ok(upright)
    }

    fn decode_at(
        &mut self,
        scale: Scale,
        deadline: Option<Instant>,
        header: &Header<'_>,
        orientation: Orientation,
        jpeg: &[u8],
        image: &mut RgbImage,
    ) -> Result<(), DecodeError> {
        self.lost = 0;
        let (width, height) = match self.options.decoder {
            JpegDecoder::Framegate => {
                let limits = &self.options.limits;
                let options = Options {
                    scale,
                    lenient: self.options.lenient,
                    threads: self.threads,
                    limits: Limits {
                        max_pixels: limits.max_pixels,
                        max_pixels_passed: limits.max_pixels_passed(),
                        max_memory: limits.max_memory(),
                    },
                    ..Options::default()
                };
                let mut in_time = || deadline.is_none_or(|deadline| Instant::now() < deadline);
                let decoded =
                    self.own.decode_while(header, &options, &mut image.pixels, &mut in_time);
                let size = (header.width(), header.height());
                let decoded = decoded.map_err(|error| DecodeError::of(error, size, limits))?;
                self.lost = decoded.lost;
                (decoded.width, decoded.height)
            }
            JpegDecoder::Zune => self.zune.decode(deadline, jpeg, &mut image.pixels)?,
        };
        (image.width, image.height, image.orientation) = (width, height, orientation);
        Ok(())
    }

    /// Lets this many threads share the next JPEGs, where they can be shared.
    pub(super) fn share(&mut self, threads: usize) {
        self.threads = threads;
    }

    /// MCUs that the last JPEG lost to damage. They are grey.
    pub fn lost(&self) -> usize {
        self.lost
    }

    /// Gives memory beyond this many bytes back.
    pub(super) fn shrink(&mut self, bytes: usize) {
        self.own.shrink(bytes);
        self.zune.shrink(bytes);
    }
}

/// That of the first segment of EXIF that has one. Metadata is never a reason to lose an image.
pub(super) fn orientation(header: &Header<'_>) -> Orientation {
    header.exif().find_map(Orientation::from_exif_segment).unwrap_or_default()
}

/// Gives a buffer's memory back if it is more than this many bytes. Its contents are lost.
pub(super) fn shrink(buffer: &mut Vec<u8>, bytes: usize) {
    if buffer.capacity() > bytes {
        *buffer = Vec::new();
    }
}
