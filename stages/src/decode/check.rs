//! Refuses images that are over a limit.

use super::{DecodeError, DecodeLimits, DecodeWork};

impl DecodeLimits {
    /// Refuses an image whose scans pass over it so often that it costs more than the largest image in
    /// an ordinary coding.
    pub(super) fn check_work(
        &self,
        width: usize,
        height: usize,
        work: &DecodeWork,
    ) -> Result<(), DecodeError> {
        if work.pixels_passed() > self.max_pixels_passed() {
            return Err(DecodeError::TooManyScans { width, height });
        }
        Ok(())
    }

    pub(crate) fn check(&self, width: usize, height: usize) -> Result<(), DecodeError> {
        // The sides are within their bounds when they are multiplied; still, those may be any number.
        let pixels = width.saturating_mul(height);
        if width > self.max_width || height > self.max_height || pixels > self.max_pixels {
            return Err(DecodeError::TooLarge { width, height, limits: *self });
        }
        Ok(())
    }
}
