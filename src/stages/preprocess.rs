//! A frame's way from JPEG to batch: decode → resize → normalise, in one go on one worker.

use std::time::{Duration, Instant};

use framegate_models::detector::ImageInput;

use super::decode::{DecodeError, DecodeLimits, Decoder, RgbImage};
use super::fit::ImageFitter;
use super::{FrameTransform, Normaliser};

/// One worker's memory and tables. A frame that fails leaves it as good as before.
#[derive(Debug)]
pub struct Preprocessor {
    decoder: Decoder,
    image: RgbImage,
    writer: InputWriter,
}

/// A frame that stands in the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessed {
    /// Where the upright frame lies in the model's input.
    pub placement: FrameTransform,
    /// How long each stage took.
    pub timings: PreprocessTimings,
}

/// Time spent in the stages of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreprocessTimings {
    /// JPEG to pixels.
    pub decode: Duration,
    /// Pixels to the size the model asks for, and upright.
    pub resize: Duration,
    /// Pixels to the values the model asks for.
    pub normalise: Duration,
}

impl Preprocessor {
    /// A preprocessor for a model's input.
    pub fn new(input: &ImageInput, limits: DecodeLimits) -> Self {
        let decoder = Decoder::new(limits);
        Self { decoder, image: RgbImage::default(), writer: InputWriter::new(input) }
    }

    /// Decodes a whole JPEG and writes it into a batch's slot, `[3, height, width]` of the input.
    ///
    /// # Errors
    /// [`DecodeError`]; the slot is then untouched.
    ///
    /// # Panics
    /// If the slot has another size than the model's input.
    pub fn preprocess(
        &mut self,
        jpeg: &[u8],
        slot: &mut [f32],
    ) -> Result<Preprocessed, DecodeError> {
        let start = Instant::now();
        self.decoder.decode(jpeg, &mut self.image)?;
        let decode = start.elapsed();
        let mut preprocessed = self.writer.write(&self.image, slot);
        preprocessed.timings.decode = decode;
        Ok(preprocessed)
    }
}

/// The part of the way without a JPEG: from decoded pixels to the batch. In the steady state, that is
/// once its buffers have met the largest frame, it allocates nothing.
#[derive(Debug)]
pub struct InputWriter {
    input: ImageInput,
    fitter: ImageFitter,
    normaliser: Normaliser,
}

impl InputWriter {
    /// A writer for a model's input.
    pub fn new(input: &ImageInput) -> Self {
        Self {
            input: input.clone(),
            fitter: ImageFitter::new(input.resize),
            normaliser: Normaliser::new(input),
        }
    }

    /// Writes an image into a batch's slot, `[3, height, width]` of the input. The time reported for
    /// `decode` is zero: that was done before.
    ///
    /// # Panics
    /// If the slot has another size than the model's input.
    pub fn write(&mut self, image: &RgbImage, slot: &mut [f32]) -> Preprocessed {
        let start = Instant::now();
        let placement = FrameTransform::of(image.upright_size(), &self.input);
        let fitted = self.fitter.fit(image, placement.width, placement.height);
        let resize = start.elapsed();

        let start = Instant::now();
        self.normaliser.normalise(fitted, &placement, slot);
        let normalise = start.elapsed();
        let timings = PreprocessTimings { decode: Duration::ZERO, resize, normalise };
        Preprocessed { placement, timings }
    }
}
