//! Keeps tables from one JPEG to the next: the frames of a camera have the same.

use std::sync::Arc;

use super::{AcTable, DcTable};
use crate::Error;
use crate::headers::HuffmanSpec;

/// Tables kept of each class. A progressive JPEG may define new ones for every scan.
const KEPT: usize = 4;

/// The tables that were used last.
#[derive(Debug, Default)]
pub(crate) struct HuffmanCache {
    dc: Kept<DcTable>,
    ac: Kept<AcTable>,
}

impl HuffmanCache {
    pub(crate) fn dc(&mut self, spec: &HuffmanSpec<'_>) -> Result<Arc<DcTable>, Error> {
        self.dc.get(spec, DcTable::new)
    }

    pub(crate) fn ac(&mut self, spec: &HuffmanSpec<'_>) -> Result<Arc<AcTable>, Error> {
        self.ac.get(spec, AcTable::new)
    }
}

/// Tables with what they were made from, the one used last at the end.
#[derive(Debug)]
struct Kept<T>(Vec<([u8; 16], Vec<u8>, Arc<T>)>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Kept<T> {
    fn get(
        &mut self,
        spec: &HuffmanSpec<'_>,
        make: impl FnOnce(&HuffmanSpec<'_>) -> Result<T, Error>,
    ) -> Result<Arc<T>, Error> {
        let is_same = |(counts, symbols, _): &([u8; 16], Vec<u8>, _)| {
            counts == spec.counts && symbols == spec.symbols
        };
        let kept = match self.0.iter().position(is_same) {
            Some(at) => self.0.remove(at),
            None => {
                let made = Arc::new(make(spec)?);
                if self.0.len() == KEPT {
                    self.0.remove(0);
                }
                (*spec.counts, spec.symbols.to_vec(), made)
            }
        };
        let table = Arc::clone(&kept.2);
        self.0.push(kept);
        Ok(table)
    }
}
