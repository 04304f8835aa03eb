//! Entropy-coded data to coefficients, a scan at a time.

mod blocks;
mod progressive;
mod single;
mod stored;
mod walk;

pub(crate) use blocks::PendingBlocks;
pub(crate) use single::SingleScan;
pub(crate) use stored::{Coefficients, StoredScan};
pub(crate) use walk::{Grid, Progress, walk};

use std::sync::Arc;

use crate::Error;
use crate::headers::{Frame, ScanHeader, Tables};
use crate::huffman::{AcTable, DcTable, HuffmanCache};

/// Bits that are not a code, or code something impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage;

/// A component of a scan, with its tables. A progressive scan has only those that it needs.
#[derive(Debug, Clone)]
pub(crate) struct CodedComponent {
    /// Its place in the frame.
    pub(crate) index: usize,
    pub(crate) dc: Option<Arc<DcTable>>,
    pub(crate) ac: Option<Arc<AcTable>>,
}

/// The components of a scan with their tables.
pub(crate) fn coded_components(
    frame: &Frame,
    scan: &ScanHeader,
    tables: &Tables<'_>,
    cache: &mut HuffmanCache,
) -> Result<Vec<CodedComponent>, Error> {
    let progressive = frame.progressive;
    let needs_dc = scan.spectrum.0 == 0 && !scan.refines;
    let needs_ac = scan.spectrum.1 > 0;
    let coded = |component: &crate::headers::ScanComponent| {
        let dc = needs_dc.then(|| cache.dc(&tables.dc(component.dc, progressive)?)).transpose()?;
        let ac = needs_ac.then(|| cache.ac(&tables.ac(component.ac, progressive)?)).transpose()?;
        Ok(CodedComponent { index: component.index, dc, ac })
    };
    scan.components.iter().map(coded).collect()
}
