//! Entropy-coded data to coefficients, a scan at a time.

mod batch;
mod leftover;
mod progressive;
mod single;
mod stored;
mod transform;
mod walk;

pub(crate) use batch::BLOCKS;
pub(crate) use single::SingleScan;
pub(crate) use stored::{Coefficients, StoredScan};
pub(crate) use transform::Transform;
pub(crate) use walk::{Grid, Numbers, Progress, walk};

use std::sync::Arc;

use crate::Error;
use crate::headers::{Frame, HuffmanSpec, ScanHeader, Tables};
use crate::huffman::{HuffmanCache, SymbolTable};

/// Bits that are not a code, or code something impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage;

/// A component of a scan, with its tables. A progressive scan has only those that it needs.
#[derive(Debug, Clone)]
pub(crate) struct CodedComponent {
    /// Its place in the frame.
    pub(crate) index: usize,
    pub(crate) dc: Option<Arc<SymbolTable>>,
    pub(crate) ac: Option<Arc<SymbolTable>>,
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
        let mut table = |spec: Result<HuffmanSpec<'_>, Error>| cache.symbols(&spec?);
        let dc = needs_dc.then(|| table(differences(tables.dc(component.dc, progressive)?)));
        let ac = needs_ac.then(|| table(tables.ac(component.ac, progressive)));
        Ok(CodedComponent { index: component.index, dc: dc.transpose()?, ac: ac.transpose()? })
    };
    scan.components.iter().map(coded).collect()
}

/// The table, if differences can be of its sizes: those of 16 bits exist only without loss.
fn differences(spec: HuffmanSpec<'_>) -> Result<HuffmanSpec<'_>, Error> {
    match spec.symbols.iter().all(|&size| size < 16) {
        true => Ok(spec),
        false => Err(Error::Corrupt("a Huffman table has values of too many bits")),
    }
}
