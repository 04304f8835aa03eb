//! Lays out one arena for all intermediate values: slots that are not in use at the same time share
//! memory.

use super::PlannedStep;
use super::slots::{Home, Slots};
use crate::memory::{CELLS, Slot};

/// A slot of the arena, and the waves in which it is in use.
#[derive(Debug, Clone, Copy)]
struct Block {
    slot: Slot,
    cells: usize,
    first: usize,
    last: usize,
}

/// Gives every slot of the arena its offset and returns the number of cells of the arena.
///
/// `wave_of` has the wave of each step. Largest first, each slot takes the lowest gap between the
/// slots that are in use at the same time.
pub(crate) fn lay_out(steps: &[PlannedStep], wave_of: &[usize], slots: &mut Slots) -> usize {
    let mut blocks = blocks(steps, wave_of, slots);
    blocks.sort_by_key(|block| std::cmp::Reverse(block.cells));
    let mut placed: Vec<(usize, Block)> = Vec::new();
    for block in blocks {
        let offset = lowest_gap(&placed, block);
        slots.set_home(block.slot, Home::Arena(offset));
        placed.push((offset, block));
        placed.sort_by_key(|(offset, _)| *offset);
    }
    placed.iter().map(|(offset, block)| offset + block.cells).max().unwrap_or(0)
}

fn lowest_gap(placed: &[(usize, Block)], block: Block) -> usize {
    let mut end = 0;
    for (offset, other) in placed {
        if other.first <= block.last && block.first <= other.last {
            if end + block.cells <= *offset {
                return end;
            }
            end = end.max(offset + other.cells);
        }
    }
    end
}

/// The slots that are directly in the arena, rounded up to whole cache lines, each in use from the
/// first to the last use of anything inside it.
fn blocks(steps: &[PlannedStep], wave_of: &[usize], slots: &Slots) -> Vec<Block> {
    let mut uses: Vec<Option<(usize, usize)>> = vec![None; slots.len()];
    for (step, wave) in steps.iter().zip(wave_of) {
        for slot in step.reads.iter().chain(&step.writes) {
            let (root, _) = slots.root(*slot);
            let (first, last) = uses[root.0].unwrap_or((*wave, *wave));
            uses[root.0] = Some((first.min(*wave), last.max(*wave)));
        }
    }
    let in_arena = |slot: &Slot| matches!(slots.home(*slot), Home::Arena(_));
    (0..slots.len())
        .map(Slot)
        .filter(in_arena)
        .filter_map(|slot| {
            let (first, last) = uses[slot.0]?;
            let cells = slots.cells(slot).next_multiple_of(CELLS);
            Some(Block { slot, cells, first, last })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(cells: usize, first: usize, last: usize) -> Block {
        Block { slot: Slot(0), cells, first, last }
    }

    #[test]
    fn slots_that_are_not_in_use_together_share_memory() {
        let placed = [(0, block(32, 0, 1)), (32, block(16, 1, 2)), (64, block(16, 0, 9))];
        assert_eq!(lowest_gap(&placed, block(32, 2, 3)), 0, "the first is free, up to the second");
        assert_eq!(lowest_gap(&placed, block(48, 2, 3)), 80, "no gap is large enough");
        assert_eq!(lowest_gap(&placed, block(48, 3, 3)), 0, "all but the last are free");
        assert_eq!(lowest_gap(&placed, block(16, 1, 1)), 48, "between the second and the last");
    }
}
