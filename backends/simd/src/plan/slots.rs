//! The buffers of a plan, before and after each has its place in memory.

use crate::memory::Slot;

/// What a slot is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// The arena, at this offset in cells, which is 0 until the arena is laid out.
    Arena(usize),
    /// The caller's image.
    Input,
    /// The graph output with this index.
    Output(usize),
    /// The constant with this index.
    Constant(usize),
    /// Another slot, from cell `start` on.
    Inside { parent: Slot, start: usize },
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    cells: usize,
    home: Home,
}

/// All slots of a plan.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    entries: Vec<Entry>,
}

impl Slots {
    pub(crate) fn add(&mut self, cells: usize, home: Home) -> Slot {
        self.entries.push(Entry { cells, home });
        Slot(self.entries.len() - 1)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn home(&self, slot: Slot) -> Home {
        self.entries[slot.0].home
    }

    pub(crate) fn set_home(&mut self, slot: Slot, home: Home) {
        self.entries[slot.0].home = home;
    }

    pub(crate) fn cells(&self, slot: Slot) -> usize {
        self.entries[slot.0].cells
    }

    /// The outermost slot around this one, and at which of its cells this one starts.
    pub(crate) fn root(&self, slot: Slot) -> (Slot, usize) {
        match self.home(slot) {
            Home::Inside { parent, start } => {
                let (root, before) = self.root(parent);
                (root, before + start)
            }
            _ => (slot, 0),
        }
    }

    /// Whether two slots share cells.
    pub(crate) fn overlap(&self, a: Slot, b: Slot) -> bool {
        let ((a_root, a_start), (b_root, b_start)) = (self.root(a), self.root(b));
        a_root == b_root && a_start < b_start + self.cells(b) && b_start < a_start + self.cells(a)
    }
}
