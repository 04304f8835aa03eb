//! The frame header: size, components and their sampling (T.81, B.2.2).

use crate::error::Coding;
use crate::{Error, markers};

/// One colour of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Samples across and down an MCU, in blocks: 1 to 4.
    pub(crate) h: usize,
    pub(crate) v: usize,
    /// Number of its quantisation table.
    pub(crate) quantisation: usize,
}

/// The contents of the frame header.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    /// 0 if it follows the first scan (DNL).
    pub(crate) height: usize,
    pub(crate) progressive: bool,
    pub(crate) components: Vec<Component>,
}

impl Frame {
    pub(crate) fn read(marker: u8, payload: &[u8]) -> Result<Self, Error> {
        let &[precision, h1, h0, w1, w0, count, ref rest @ ..] = payload else {
            return Err(Error::Corrupt("the frame header is too short"));
        };
        match marker {
            markers::SOF0..=markers::SOF2 => {}
            0xC3 => return Err(Error::UnsupportedCoding(Coding::Lossless)),
            0xC5..=0xC7 => return Err(Error::UnsupportedCoding(Coding::Hierarchical)),
            _ => return Err(Error::UnsupportedCoding(Coding::Arithmetic)),
        }
        if precision != 8 {
            return Err(Error::UnsupportedPrecision(precision));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Error::UnsupportedComponents(count));
        }
        let components = rest
            .chunks_exact(3)
            .take(count.into())
            .map(|bytes| Component::read([bytes[0], bytes[1], bytes[2]]))
            .collect::<Result<Vec<_>, _>>()?;
        if components.len() != usize::from(count) {
            return Err(Error::Corrupt("the frame header is too short"));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if width == 0 {
            return Err(Error::Corrupt("the width is 0"));
        }
        let mut frame = Self {
            width: width.into(),
            height: height.into(),
            progressive: marker == markers::SOF2,
            components,
        };
        // The blocks of a single component are never grouped, whatever its factors (T.81, A.2.2).
        if let [only] = frame.components.as_mut_slice() {
            (only.h, only.v) = (1, 1);
        }
        Ok(frame)
    }

    /// The largest factors of all components.
    pub(crate) fn max_factors(&self) -> (usize, usize) {
        let max = |factor: fn(&Component) -> usize| self.components.iter().map(factor).max();
        (max(|c| c.h).unwrap_or(1), max(|c| c.v).unwrap_or(1))
    }

    /// MCUs across and down, if all components are in a scan.
    pub(crate) fn mcus(&self) -> (usize, usize) {
        let (h, v) = self.max_factors();
        (self.width.div_ceil(8 * h), self.height.div_ceil(8 * v))
    }

    /// Blocks across and down that hold samples of a component: those of a scan of its own (T.81, A.2.3).
    pub(crate) fn own_blocks(&self, component: &Component) -> (usize, usize) {
        let (h, v) = self.max_factors();
        let blocks =
            |side: usize, factor: usize, max: usize| (side * factor).div_ceil(max).div_ceil(8);
        (blocks(self.width, component.h, h), blocks(self.height, component.v, v))
    }

    /// Blocks of all components together.
    pub(crate) fn blocks(&self) -> usize {
        let (across, down) = self.mcus();
        across * down * self.components.iter().map(|c| c.h * c.v).sum::<usize>()
    }
}

impl Component {
    fn read([id, factors, quantisation]: [u8; 3]) -> Result<Self, Error> {
        let (h, v) = (usize::from(factors >> 4), usize::from(factors & 15));
        if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
            return Err(Error::Corrupt("a sampling factor is not 1 to 4"));
        }
        if quantisation > 3 {
            return Err(Error::Corrupt("a component has no quantisation table"));
        }
        Ok(Self { id, h, v, quantisation: quantisation.into() })
    }
}
