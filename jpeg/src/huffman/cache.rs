//! Keeps tables from one JPEG to the next: the frames of a camera have the same.

use std::sync::Arc;

use super::{BlockTables, SymbolTable};
use crate::Error;
use crate::headers::HuffmanSpec;

/// Tables kept of each kind. A progressive JPEG may define new ones for every scan.
const KEPT: usize = 8;

/// The tables that were used last, of each kind the one used last at the end.
#[derive(Debug, Default)]
pub(crate) struct HuffmanCache {
    /// With what they were made from.
    symbols: Vec<([u8; 16], Vec<u8>, Arc<SymbolTable>)>,
    blocks: Vec<Arc<BlockTables>>,
}

impl HuffmanCache {
    pub(crate) fn symbols(&mut self, spec: &HuffmanSpec<'_>) -> Result<Arc<SymbolTable>, Error> {
        let is_same = |(counts, symbols, _): &([u8; 16], Vec<u8>, _)| {
            counts == spec.counts && symbols == spec.symbols
        };
        let make = || {
            let table = Arc::new(SymbolTable::new(spec)?);
            Ok((*spec.counts, spec.symbols.to_vec(), table))
        };
        Ok(Arc::clone(&last(&mut self.symbols, is_same, make)?.2))
    }

    /// `skips` says whether AC coefficients are passed over.
    pub(crate) fn blocks(
        &mut self,
        dc: &Arc<SymbolTable>,
        ac: &Arc<SymbolTable>,
        skips: bool,
    ) -> Result<Arc<BlockTables>, Error> {
        let is_same = |known: &Arc<BlockTables>| {
            Arc::ptr_eq(&known.dc, dc) && Arc::ptr_eq(&known.ac, ac) && known.skips == skips
        };
        let make = || Ok(Arc::new(BlockTables::new(dc, ac, skips)));
        last(&mut self.blocks, is_same, make).cloned()
    }
}

/// The entry that is wanted, found or made, and put at the end.
fn last<T>(
    kept: &mut Vec<T>,
    is_wanted: impl Fn(&T) -> bool,
    make: impl FnOnce() -> Result<T, Error>,
) -> Result<&T, Error> {
    let wanted = match kept.iter().position(is_wanted) {
        Some(at) => kept.remove(at),
        None => {
            let made = make()?;
            if kept.len() == KEPT {
                kept.remove(0);
            }
            made
        }
    };
    kept.push(wanted);
    Ok(&kept[kept.len() - 1])
}
