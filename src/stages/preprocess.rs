//! A frame's way into the batch: decode → resize → normalise, in one go on one worker.

use framegate_models::detector::ImageInput;

use super::decode::{DecodeError, DecodeLimits, Decoder, RgbImage};
use super::fit::ImageFitter;
use super::stage::{Stage, StageTimes};
use super::{FrameTransform, Normaliser};

/// One worker's buffers and tables. A frame that fails leaves them as good as before.
#[derive(Debug)]
pub struct Preprocessor {
    limits: DecodeLimits,
    decoder: Decoder,
    image: RgbImage,
    writer: InputWriter,
}

/// What happened to a frame whose values are in the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessed {
    /// Where the upright frame lies in the model's input.
    pub transform: FrameTransform,
    /// Time in each stage so far.
    pub times: StageTimes,
}

impl Preprocessor {
    /// A preprocessor for a model's input.
    pub fn new(input: &ImageInput, limits: DecodeLimits) -> Self {
        Self {
            limits,
            decoder: Decoder::new(limits),
            image: RgbImage::default(),
            writer: InputWriter::new(input),
        }
    }

    /// Decodes a whole JPEG and writes it into a slot of the batch, `[3, height, width]` of the input.
    ///
    /// # Errors
    /// [`DecodeError`]; the slot is then untouched.
    ///
    /// # Panics
    /// If the slot does not have the size of the model's input.
    pub fn preprocess(
        &mut self,
        jpeg: &[u8],
        slot: &mut [f32],
    ) -> Result<Preprocessed, DecodeError> {
        let mut times = StageTimes::ZERO;
        times.measure(Stage::Decode, || self.decoder.decode(jpeg, &mut self.image))?;
        Ok(self.writer.write_timed(&self.image, slot, times))
    }

    /// The same for an image that is decoded already: it enters at the resize. It is held to the same
    /// limits as a decoded JPEG.
    ///
    /// # Errors
    /// [`DecodeError`] when the image is over a limit or does not have the pixels it declares; the slot
    /// is then untouched.
    ///
    /// # Panics
    /// If the slot does not have the size of the model's input.
    pub fn preprocess_image(
        &mut self,
        image: &RgbImage,
        slot: &mut [f32],
    ) -> Result<Preprocessed, DecodeError> {
        image.check(&self.limits)?;
        Ok(self.writer.write(image, slot))
    }
}

/// The way from decoded pixels to the batch. It allocates nothing once its buffers have met the largest
/// frame.
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

    /// Writes an image into a slot of the batch, `[3, height, width]` of the input.
    ///
    /// # Panics
    /// If the slot does not have the size of the model's input.
    pub fn write(&mut self, image: &RgbImage, slot: &mut [f32]) -> Preprocessed {
        self.write_timed(image, slot, StageTimes::ZERO)
    }

    fn write_timed(
        &mut self,
        image: &RgbImage,
        slot: &mut [f32],
        mut times: StageTimes,
    ) -> Preprocessed {
        let transform = FrameTransform::of(image.upright_size(), &self.input);
        let (fitter, normaliser) = (&mut self.fitter, &mut self.normaliser);
        let fitted = times
            .measure(Stage::Resize, move || fitter.fit(image, transform.width, transform.height));
        times.measure(Stage::Normalise, || normaliser.normalise(fitted, &transform, slot));
        Preprocessed { transform, times }
    }
}
