//! The cost of an image, checked against the limits before anything is allocated.

use crate::headers::Header;
use crate::planes::Layout;
use crate::{Error, Options};

/// Pixels of an image below which threads cost about as much as they save: a little more than 1920x1080 has.
const LARGE: usize = 1 << 21;

impl Header<'_> {
    /// Bytes that decoding this JPEG would allocate at most, the pixels included.
    pub fn memory(&self, options: &Options) -> usize {
        self.memory_with(&self.layout(options))
    }

    /// Whether the data can hold as many pixels as the header declares: each block takes a bit at least. Without this a
    /// file of a few bytes could claim all the memory that the limits allow.
    pub fn is_plausible(&self) -> bool {
        self.frame.blocks() <= self.jpeg.len() * 8
    }

    fn layout(&self, options: &Options) -> Layout {
        Layout::new(&self.frame, self.application.colour_space(&self.frame), options)
    }

    fn memory_with(&self, layout: &Layout) -> usize {
        layout.memory(!self.has_single_scan()) + self.jpeg.len()
    }

    /// Checks everything that the headers say against the limits.
    pub(super) fn checked_layout(&self, options: &Options) -> Result<Layout, Error> {
        let (width, height) = (self.width(), self.height());
        if width * height > options.limits.max_pixels {
            return Err(Error::TooLarge { width, height });
        }
        if !self.is_plausible() && !options.lenient {
            return Err(Error::Implausible { width, height });
        }
        let limit = options.limits.max_memory;
        let layout = self.layout(options);
        let needed = self.memory_with(&layout);
        if needed > limit {
            return Err(Error::TooMuchMemory { needed, limit });
        }
        Ok(layout)
    }

    /// Whether several threads may share the work of decoding it, if [`Options::threads`] has them: a large sequential
    /// JPEG with restart intervals and a single scan.
    pub fn can_be_shared(&self) -> bool {
        let is_large = self.width() * self.height() >= LARGE;
        is_large && self.tables.restart_interval > 0 && self.has_single_scan()
    }

    /// Whether the first scan is all there is to the image.
    pub(super) fn has_single_scan(&self) -> bool {
        !self.is_progressive() && self.scan.components.len() == self.components()
    }
}
