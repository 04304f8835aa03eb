//! Decodes a JPEG whose headers have been read.

mod attempts;
mod bands;
mod cost;
mod image;
mod pixels;
mod progression;
mod scan;
mod several;

use crate::headers::Header;
use crate::huffman::HuffmanCache;
use crate::scan::{Coefficients, Progress};
use crate::{Error, Level, Options};
use image::Image;

/// Decodes JPEGs; keeps its memory and tables from one to the next.
#[derive(Debug)]
pub struct Decoder {
    level: Level,
    cache: HuffmanCache,
    memory: Memory,
    /// One for each further thread that has shared the work.
    helpers: Vec<Memory>,
}

/// Memory that is used again.
#[derive(Debug, Default)]
struct Memory {
    /// The data of a restart interval.
    data: Vec<u8>,
    samples: Vec<u8>,
    upsampled: Vec<u8>,
    coefficients: Coefficients,
}

/// The result of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoded {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// MCUs that could not be decoded, of all scans together; all of them once more if scans are missing. Always 0 unless [`Options::lenient`].
    pub lost: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that uses the best instructions of this processor.
    pub fn new() -> Self {
        Self::with_level(Level::best())
    }

    /// A decoder that uses these instructions.
    pub fn with_level(level: Level) -> Self {
        Self { level, cache: HuffmanCache::default(), memory: Memory::default(), helpers: vec![] }
    }

    /// Decodes a JPEG into `pixels`, whose memory is used again: row after row, without gaps.
    ///
    /// # Errors
    /// [`Error`]; what `pixels` holds is then unspecified.
    pub fn decode(
        &mut self,
        header: &Header<'_>,
        options: &Options,
        pixels: &mut Vec<u8>,
    ) -> Result<Decoded, Error> {
        self.decode_while(header, options, pixels, &mut || true)
    }

    /// The same, but stops with [`Error::Stopped`] when `keep_going` says so. It is asked once for each row of MCUs,
    /// so quite often and never for long.
    ///
    /// # Errors
    /// [`Error`]; what `pixels` holds is then unspecified.
    pub fn decode_while(
        &mut self,
        header: &Header<'_>,
        options: &Options,
        pixels: &mut Vec<u8>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Decoded, Error> {
        let layout = header.checked_layout(options)?;
        // Not cleared first: all of it is written.
        pixels.resize(layout.bytes(), 0);
        let mut progress = Progress { lenient: options.lenient, lost: 0, found: 0, keep_going };
        let mut image = Image { decoder: self, header, layout: &layout, pixels };
        match header.has_single_scan() {
            true => image.single_scan(options, &mut progress)?,
            false => image.several_scans(options, &mut progress)?,
        }
        Ok(Decoded { width: layout.width, height: layout.height, lost: progress.lost })
    }

    /// Gives memory back, so that at most about this many bytes are kept.
    pub fn shrink(&mut self, bytes: usize) {
        let share = bytes / (1 + self.helpers.len());
        for memory in self.helpers.iter_mut().chain([&mut self.memory]) {
            memory.shrink(share);
        }
    }
}

impl Memory {
    fn shrink(&mut self, bytes: usize) {
        let Self { data, samples, upsampled, coefficients } = self;
        for buffer in [data, samples, upsampled] {
            if buffer.capacity() > bytes / 4 {
                *buffer = Vec::new();
            }
        }
        coefficients.shrink(bytes / 4);
    }
}
