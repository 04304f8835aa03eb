//! The memory in which an image runs through the graph.
#![expect(unsafe_code, reason = "several threads write to disjoint parts of one arena")]

use framegate_backend_api::ElementType;

/// The alignment of every buffer in bytes: a cache line, and the longest vector.
pub(crate) const ALIGNMENT: usize = 64;

/// The unit of the arena: four bytes, enough for an `f32`.
pub(crate) type Cell = f32;

/// Cells per alignment.
pub(crate) const CELLS: usize = ALIGNMENT / size_of::<Cell>();

/// The number of cells that `len` elements take.
pub(crate) fn cells(element_type: ElementType, len: usize) -> usize {
    match element_type {
        ElementType::F32 => len,
        ElementType::I64 => 2 * len,
        // One byte each.
        ElementType::Bool => len.div_ceil(4),
    }
}

/// The number of a buffer in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) usize);

/// Zeroed cells that start at a multiple of [`ALIGNMENT`].
#[derive(Debug)]
pub(crate) struct AlignedCells {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([Cell; CELLS]);

impl AlignedCells {
    /// Room for `cells`, and always for at least one line.
    pub(crate) fn new(cells: usize) -> Self {
        Self { lines: vec![Line([0.0; CELLS]); cells.div_ceil(CELLS).max(1)] }
    }

    /// The elements of `source`, then zeros.
    pub(crate) fn from_slice(source: &[f32]) -> Self {
        let mut cells = Self::new(source.len());
        for (line, part) in cells.lines.iter_mut().zip(source.chunks(CELLS)) {
            line.0[..part.len()].copy_from_slice(part);
        }
        cells
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lines.len() * ALIGNMENT
    }

    pub(crate) fn as_ptr(&self) -> *const Cell {
        self.lines.as_ptr().cast()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut Cell {
        self.lines.as_mut_ptr().cast()
    }
}

/// Where each buffer of a plan is for the image under way, by [`Slot`].
///
/// Kernels reach memory only through here. What they may assume is what the plan promises: a slot has
/// room for what the layout of its value says, slots that are in use at the same time do not overlap
/// unless one is inside the other by design, and two tasks never write to the same elements.
#[derive(Debug)]
pub(crate) struct Buffers {
    pointers: Vec<*mut Cell>,
}

// SAFETY: the pointers are used only while a batch runs, during which the session keeps what they
// point to alive and lets nothing else use it; tasks write to disjoint elements, as said above.
unsafe impl Send for Buffers {}
// SAFETY: as above.
unsafe impl Sync for Buffers {}

impl Buffers {
    pub(crate) fn new(slots: usize) -> Self {
        Self { pointers: vec![std::ptr::null_mut(); slots] }
    }

    /// Sets where a buffer is from now on.
    pub(crate) fn set(&mut self, slot: Slot, pointer: *mut Cell) {
        self.pointers[slot.0] = pointer;
    }

    /// Where a buffer is.
    pub(crate) fn pointer(&self, slot: Slot) -> *mut Cell {
        self.pointers[slot.0]
    }

    /// The first `len` elements of a buffer.
    ///
    /// # Safety
    /// The buffer holds that many elements of type `T`, and nothing writes to them while the slice
    /// lives.
    pub(crate) unsafe fn slice<T>(&self, slot: Slot, len: usize) -> &[T] {
        // SAFETY: buffers start at a multiple of `ALIGNMENT` or, for inputs and outputs, at an
        // `f32`; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.pointer(slot).cast(), len) }
    }

    /// The first `len` elements of a buffer, to be written.
    ///
    /// # Safety
    /// The buffer has room for that many elements of type `T`, and nothing else reads or writes them
    /// while the slice lives.
    #[expect(clippy::mut_from_ref, reason = "the plan decides which task may write")]
    pub(crate) unsafe fn slice_mut<T>(&self, slot: Slot, len: usize) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(slot).cast(), len) }
    }
}
