//! The tables of a JPEG: quantisation and Huffman, and the restart interval (T.81, B.2.4).

use super::annex_k;
use super::huffman_spec::HuffmanSpec;
use crate::Error;

/// Steps of quantisation, row by row.
pub(crate) type Quantisation = [u16; 64];

/// Everything that the segments so far have defined.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tables<'a> {
    pub(crate) quantisation: [Option<Quantisation>; 4],
    dc: [Option<HuffmanSpec<'a>>; 4],
    ac: [Option<HuffmanSpec<'a>>; 4],
    /// MCUs between restart markers, 0 for none.
    pub(crate) restart_interval: usize,
}

impl<'a> Tables<'a> {
    /// Reads a DQT segment.
    pub(crate) fn define_quantisation(&mut self, payload: &[u8]) -> Result<(), Error> {
        let mut rest = payload;
        while let [head, after @ ..] = rest {
            let (bytes, id) = (1 + usize::from(head >> 4), usize::from(head & 15));
            let table = self.quantisation.get_mut(id);
            let (Some(table), 1..=2) = (table, bytes) else {
                return Err(Error::Corrupt("a quantisation table has a wrong number"));
            };
            let (values, after) = after
                .split_at_checked(64 * bytes)
                .ok_or(Error::Corrupt("a quantisation table is cut off"))?;
            let mut steps = [0; 64];
            for (step, value) in steps.iter_mut().zip(values.chunks_exact(bytes)) {
                *step = value.iter().fold(0, |step, &byte| step << 8 | u16::from(byte));
            }
            *table = Some(steps);
            rest = after;
        }
        Ok(())
    }

    /// Reads a DHT segment.
    pub(crate) fn define_huffman(&mut self, payload: &'a [u8]) -> Result<(), Error> {
        let mut rest = payload;
        while let [head, after @ ..] = rest {
            let kind = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(Error::Corrupt("a Huffman table has a wrong class")),
            };
            let table = kind
                .get_mut(usize::from(head & 15))
                .ok_or(Error::Corrupt("a Huffman table has a wrong number"))?;
            let cut_off = Error::Corrupt("a Huffman table is cut off");
            let (counts, after) = after.split_first_chunk::<16>().ok_or(cut_off)?;
            let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, after) = after.split_at_checked(total).ok_or(cut_off)?;
            if total > 256 {
                return Err(Error::Corrupt("a Huffman table has too many codes"));
            }
            *table = Some(HuffmanSpec { counts, symbols });
            rest = after;
        }
        Ok(())
    }

    /// Reads a DRI segment.
    pub(crate) fn define_restart_interval(&mut self, payload: &[u8]) -> Result<(), Error> {
        let interval =
            payload.first_chunk().ok_or(Error::Corrupt("the restart interval is cut off"))?;
        self.restart_interval = u16::from_be_bytes(*interval).into();
        Ok(())
    }

    /// The Huffman table for DC coefficients of this number. Webcams leave out the tables of Annex K, which are
    /// then meant.
    pub(crate) fn dc(&self, id: usize, progressive: bool) -> Result<HuffmanSpec<'a>, Error> {
        let standard = || annex_k::DC.get(id).copied().filter(|_| !progressive);
        self.dc[id & 3].or_else(standard).ok_or(MISSING)
    }

    /// The same for AC coefficients.
    pub(crate) fn ac(&self, id: usize, progressive: bool) -> Result<HuffmanSpec<'a>, Error> {
        let standard = || annex_k::AC.get(id).copied().filter(|_| !progressive);
        self.ac[id & 3].or_else(standard).ok_or(MISSING)
    }
}

const MISSING: Error = Error::Corrupt("a Huffman table is missing");
