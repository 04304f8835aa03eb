//! Copies a blocked feature map to its place among others, where its producer could not write it
//! there.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use super::Step;
use crate::memory::{Buffers, Cell, Slot};

/// See the [module](self).
pub(crate) struct CopyBlocks {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    /// Elements.
    pub(crate) len: usize,
}

impl Step for CopyBlocks {
    unsafe fn run(&self, _task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        // SAFETY: the caller's promise: both buffers hold `len` elements.
        unsafe {
            let source = buffers.pointer(self.source);
            std::ptr::copy_nonoverlapping(source, buffers.pointer(self.target), self.len);
        }
    }
}
