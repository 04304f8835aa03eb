//! A frame's way into the batch: decode → resize → normalise, in one go on one worker.

use std::time::Instant;

use framegate_barcodes::GreyImage;
use framegate_models::Size;
use framegate_models::detector::{ChannelOrder, ImageInput};

use super::decode::{DecodeError, DecodeLimits, DecodeOptions, Decoder, RgbImage, shrink};
use super::fit::{Decoded, ImageFitter};
use super::grey::luma;
use super::rgb_view::RgbView;
use super::stage::{Stage, StageTimes};
use super::{FrameTransform, Normaliser, PixelRows, YuvImage};

/// One worker's buffers and tables. A frame that fails leaves them as good as before.
#[derive(Debug)]
pub struct Preprocessor {
    limits: DecodeLimits,
    decoder: Decoder,
    image: RgbImage,
    writer: InputWriter,
}

/// How a frame whose values are in the batch was changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessed {
    /// Where the upright frame lies in the model's input.
    pub transform: FrameTransform,
    /// Time in each stage so far.
    pub times: StageTimes,
    /// Parts of the frame (MCUs of its JPEG) that were lost to damage and are grey. Not 0 only if that is allowed.
    pub lost: usize,
}

impl Preprocessor {
    /// A preprocessor for a model's input.
    pub fn new(input: &ImageInput, options: impl Into<DecodeOptions>) -> Self {
        let options = options.into();
        Self {
            limits: options.limits,
            decoder: Decoder::new(options),
            image: RgbImage::default(),
            writer: InputWriter::new(input),
        }
    }

    /// Lets this many threads share the decoding of a frame, this one among them: only large JPEGs with restart intervals
    /// can be shared. Without it, one.
    pub fn share(&mut self, threads: usize) {
        self.decoder.share(threads);
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
        let Self { decoder, image, writer, .. } = self;
        let frame = times
            .measure(Stage::Decode, || decoder.decode_for(&writer.input, None, jpeg, image))?;
        let written = writer.write_timed(Decoded::Rgb(image), frame, slot, times);
        Ok(Preprocessed { lost: decoder.lost(), ..written })
    }

    /// The first half of [`Preprocessor::preprocess`]: decodes and resizes a JPEG, into `fitted`, whose
    /// memory is reused. Gives up soon after the deadline.
    ///
    /// # Errors
    /// [`DecodeError`]; the contents of `fitted` are then unspecified.
    pub fn fit(
        &mut self,
        jpeg: &[u8],
        deadline: Instant,
        fitted: &mut FittedImage,
    ) -> Result<(), DecodeError> {
        let mut times = StageTimes::ZERO;
        let Self { decoder, image, writer, .. } = self;
        let frame = times.measure(Stage::Decode, || {
            decoder.decode_for(&writer.input, Some(deadline), jpeg, image)
        })?;
        writer.fit(Decoded::Rgb(image), frame, times, fitted);
        if let Some(preprocessed) = &mut fitted.preprocessed {
            preprocessed.lost = decoder.lost();
        }
        Ok(())
    }

    /// The same for an image that is decoded already.
    ///
    /// # Errors
    /// [`DecodeError`] when the image is over a limit or does not have the pixels it declares.
    pub fn fit_image(
        &mut self,
        image: &RgbImage,
        fitted: &mut FittedImage,
    ) -> Result<(), DecodeError> {
        image.check(&self.limits)?;
        self.writer.fit(Decoded::Rgb(image), image.upright_size(), StageTimes::ZERO, fitted);
        Ok(())
    }

    /// The same for a frame of a video.
    ///
    /// # Errors
    /// [`DecodeError`] when the frame is over a limit or its planes do not have the size that it declares.
    pub fn fit_yuv(
        &mut self,
        image: &YuvImage,
        fitted: &mut FittedImage,
    ) -> Result<(), DecodeError> {
        image.check(&self.limits)?;
        self.writer.fit(Decoded::Yuv(image), image.upright_size(), decoding(image), fitted);
        Ok(())
    }

    /// Gives buffers back that have grown beyond this many bytes: a large frame's are otherwise kept for
    /// the next.
    pub fn shrink(&mut self, bytes: usize) {
        self.decoder.shrink(bytes);
        shrink(&mut self.image.pixels, bytes);
    }

    /// [`Preprocessor::preprocess`] for an image that is decoded already: it enters at the resize. It is held to the same
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

    /// [`Preprocessor::preprocess`] for a frame of a video: it enters at the resize, with the time that it took to
    /// decode.
    ///
    /// # Errors
    /// [`DecodeError`] when the frame is over a limit or its planes do not have the size that it declares; the slot
    /// is then untouched.
    ///
    /// # Panics
    /// If the slot does not have the size of the model's input.
    pub fn preprocess_yuv(
        &mut self,
        image: &YuvImage,
        slot: &mut [f32],
    ) -> Result<Preprocessed, DecodeError> {
        image.check(&self.limits)?;
        Ok(self.writer.write_timed(
            Decoded::Yuv(image),
            image.upright_size(),
            slot,
            decoding(image),
        ))
    }

    /// [`Preprocessor::preprocess_image`] for an image in somebody else's memory.
    ///
    /// # Errors
    /// [`DecodeError`] when the image is over a limit or has no pixels; the slot is then untouched.
    ///
    /// # Panics
    /// If the slot does not have the size of the model's input.
    pub fn preprocess_rows(
        &mut self,
        image: &dyn PixelRows,
        slot: &mut [f32],
    ) -> Result<Preprocessed, DecodeError> {
        let size = image.size();
        let Size { width, height } = size;
        self.limits.check(width, height)?;
        if width == 0 || height == 0 {
            return Err(DecodeError::PixelCount { width, height, bytes: 0 });
        }
        Ok(self.writer.write_timed(Decoded::Rows(image), size, slot, StageTimes::ZERO))
    }
}

/// The time in stages that a frame of a video has passed elsewhere.
fn decoding(image: &YuvImage) -> StageTimes {
    StageTimes::from_iter([(Stage::Decode, image.decoding)])
}

/// A frame that is decoded and resized, and waits for a place in a batch.
#[derive(Debug, Default)]
pub struct FittedImage {
    /// `[height, width, 3]` as the transform asks for, upright.
    pixels: Vec<u8>,
    preprocessed: Option<Preprocessed>,
}

impl FittedImage {
    /// Where it lies in the model's input, and the time that it took; `None` before the first image.
    pub fn preprocessed(&self) -> Option<Preprocessed> {
        self.preprocessed
    }

    /// The grey values of every other pixel in every other row. Empty before the first image.
    pub fn half_grey(&self) -> GreyImage {
        let Some(Preprocessed { transform, .. }) = self.preprocessed else {
            return GreyImage::default();
        };
        let rows = self.pixels.as_chunks::<3>().0.chunks_exact(transform.width).step_by(2);
        let pixels = rows.flat_map(|row| row.iter().step_by(2)).map(|pixel| luma(*pixel)).collect();
        let (width, height) = (transform.width.div_ceil(2), transform.height.div_ceil(2));
        GreyImage { pixels, width, height }
    }

    /// Writes it into a slot of the batch, `[3, height, width]` of the input. Nothing is allocated.
    ///
    /// # Panics
    /// If the slot does not have the size of the model's input.
    pub fn normalise(&self, normaliser: &Normaliser, slot: &mut [f32]) -> Option<Preprocessed> {
        let Preprocessed { transform, mut times, lost } = self.preprocessed?;
        let FrameTransform { width, height, .. } = transform;
        let view = RgbView { pixels: &self.pixels, width, height };
        times.measure(Stage::Normalise, || normaliser.normalise(view, &transform, slot));
        Some(Preprocessed { transform, times, lost })
    }
}

/// The way from decoded pixels to the batch. It allocates nothing once its buffers have met the largest
/// frame.
#[derive(Debug)]
pub struct InputWriter {
    input: ImageInput,
    fitter: ImageFitter,
    normaliser: Normaliser,
    /// For images whose pixels are blue, green, red.
    bgr_normaliser: Normaliser,
}

impl InputWriter {
    /// A writer for a model's input.
    pub fn new(input: &ImageInput) -> Self {
        Self {
            input: input.clone(),
            fitter: ImageFitter::new(input.resize),
            normaliser: Normaliser::new(input),
            bgr_normaliser: Normaliser::new(&reversed(input)),
        }
    }

    /// Writes an image into a slot of the batch, `[3, height, width]` of the input.
    ///
    /// # Panics
    /// If the slot does not have the size of the model's input.
    pub fn write(&mut self, image: &RgbImage, slot: &mut [f32]) -> Preprocessed {
        self.write_timed(Decoded::Rgb(image), image.upright_size(), slot, StageTimes::ZERO)
    }

    /// Resizes the image of a frame and turns it upright, into `fitted`. The frame may be larger than its image.
    fn fit(
        &mut self,
        image: Decoded<'_>,
        frame: Size,
        mut times: StageTimes,
        fitted: &mut FittedImage,
    ) {
        let transform = FrameTransform::of(frame, &self.input);
        times.measure(Stage::Resize, || {
            let view = self.fitter.fit(image, &transform);
            fitted.pixels.clear();
            fitted.pixels.extend_from_slice(view.pixels);
        });
        fitted.preprocessed = Some(Preprocessed { transform, times, lost: 0 });
    }

    fn write_timed(
        &mut self,
        image: Decoded<'_>,
        frame: Size,
        slot: &mut [f32],
        mut times: StageTimes,
    ) -> Preprocessed {
        let transform = FrameTransform::of(frame, &self.input);
        let Self { fitter, normaliser, bgr_normaliser, .. } = self;
        let normaliser = match image.channel_order() {
            ChannelOrder::Rgb => normaliser,
            ChannelOrder::Bgr => bgr_normaliser,
        };
        let fitted = times.measure(Stage::Resize, move || fitter.fit(image, &transform));
        times.measure(Stage::Normalise, || normaliser.normalise(fitted, &transform, slot));
        Preprocessed { transform, times, lost: 0 }
    }
}

/// The input as it is for images that have their channels in the other order.
fn reversed(input: &ImageInput) -> ImageInput {
    let channel_order = match input.channel_order {
        ChannelOrder::Rgb => ChannelOrder::Bgr,
        ChannelOrder::Bgr => ChannelOrder::Rgb,
    };
    ImageInput { channel_order, ..input.clone() }
}
