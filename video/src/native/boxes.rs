//! Reads boxes of an MP4 file (ISO/IEC 14496-12, 4.2) that the parser leaves out.

use crate::VideoError;

/// The names and contents of boxes that follow each other; the first that is broken ends them.
pub(super) fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let mut fields = Fields(bytes);
        let size = fields.word().ok()?;
        let name = fields.word().ok()?.to_be_bytes();
        let size = match size {
            // Up to the end.
            0 => bytes.len(),
            1 => usize::try_from(fields.long().ok()?).ok()?,
            size => size as usize,
        };
        let head = bytes.len() - fields.0.len();
        let (whole, rest) = bytes.split_at_checked(size)?;
        bytes = rest;
        Some((name, whole.get(head..)?))
    })
}

/// Numbers that follow each other, most significant byte first.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn word(&mut self) -> Result<u32, VideoError> {
        let (word, rest) = self.0.split_first_chunk().ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*word))
    }

    pub(super) fn long(&mut self) -> Result<u64, VideoError> {
        let (long, rest) = self.0.split_first_chunk().ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*long))
    }

    pub(super) fn version_and_flags(&mut self) -> Result<(u8, u32), VideoError> {
        let word = self.word()?;
        Ok(((word >> 24) as u8, word & 0xFF_FFFF))
    }

    pub(super) fn skip(&mut self, bytes: usize) -> Result<(), VideoError> {
        self.0 = self.0.get(bytes..).ok_or_else(cut_off)?;
        Ok(())
    }
}

pub(super) fn cut_off() -> VideoError {
    VideoError::Damaged("a box is cut off".to_owned())
}
