//! Looks bytes up one by one.

use super::Table;

/// Replaces every byte by its entry.
pub(super) fn look_up(bytes: &mut [u8], table: &Table) {
    bytes.iter_mut().for_each(|byte| *byte = table[usize::from(*byte)]);
}
