//! How much of an image has come, as its scans bring it (T.81, G.1.1). A sequential scan brings all of its components.

use crate::Error;
use crate::headers::ScanHeader;

/// Bits that are still to come of each coefficient of each component; `None` before its first scan.
pub(super) struct Progression(Vec<[Option<u32>; 64]>);

impl Progression {
    pub(super) fn new(components: usize) -> Self {
        Self(vec![[None; 64]; components])
    }

    /// Counts a scan.
    ///
    /// # Errors
    /// One before it is missing.
    pub(super) fn take(&mut self, scan: &ScanHeader) -> Result<(), Error> {
        let expected = if scan.refines { scan.shift + 1 } else { 0 };
        let (first, last) = scan.spectrum;
        for component in &scan.components {
            for to_come in &mut self.0[component.index][first as usize..=last as usize] {
                if to_come.unwrap_or(0) != expected {
                    return Err(Error::Corrupt("a scan is missing"));
                }
                *to_come = Some(scan.shift);
            }
        }
        Ok(())
    }

    /// Whether there was a scan of a component.
    pub(super) fn has_begun(&self, component: usize) -> bool {
        self.0[component].iter().any(Option::is_some)
    }

    /// Whether nothing is to come. A file may leave out what it has no room for, but who decodes it cannot know whether
    /// that was meant.
    pub(super) fn is_complete(&self) -> bool {
        self.0.iter().flatten().all(|to_come| *to_come == Some(0))
    }
}
