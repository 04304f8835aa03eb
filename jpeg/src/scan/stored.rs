//! Coefficients of a whole image, for frames of several scans.

use super::progressive::{Band, Bit};
use super::walk::Sink;
use super::{CodedComponent, Damage};
use crate::bits::Bits;
use crate::headers::ScanHeader;
use crate::planes::{Layout, Plane};

/// The coefficients of all components.
#[derive(Debug, Default)]
pub(crate) struct Coefficients {
    blocks: Vec<[i16; 64]>,
    /// Where each component begins.
    begins: Vec<usize>,
}

impl Coefficients {
    /// Makes room for an image, with all coefficients zero.
    pub(crate) fn reset(&mut self, layout: &Layout) {
        self.begins.clear();
        let mut count = 0;
        for plane in &layout.planes {
            self.begins.push(count);
            count += plane.blocks.0 * plane.blocks.1;
        }
        self.blocks.clear();
        self.blocks.resize(count, [0; 64]);
    }

    /// A row of blocks of a component.
    pub(crate) fn row(&self, component: usize, plane: &Plane, y: usize) -> &[[i16; 64]] {
        &self.blocks[self.begins[component] + y * plane.blocks.0..][..plane.blocks.0]
    }

    #[inline(always)]
    fn block(&mut self, component: usize, plane: &Plane, x: usize, y: usize) -> &mut [i16; 64] {
        &mut self.blocks[self.begins[component] + y * plane.blocks.0 + x]
    }

    /// Gives memory beyond this many bytes back.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        if self.blocks.capacity() * size_of::<[i16; 64]>() > bytes {
            self.blocks = Vec::new();
        }
    }
}

/// The part of a block that a scan codes.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// All, at once.
    Whole,
    /// The first, without its lowest bits.
    Dc { shift: u32 },
    /// A bit of the first.
    DcBit(Bit),
    /// Some of the others, without their lowest bits.
    Ac(Band),
    /// A bit of some of the others.
    AcBit(Band, Bit),
}

/// Takes the MCUs of one of several scans.
pub(crate) struct StoredScan<'a> {
    coefficients: &'a mut Coefficients,
    layout: &'a Layout,
    components: &'a [CodedComponent],
    part: Part,
    predictions: [i16; 4],
    /// Blocks that are to be passed over, since their bands end without being coded.
    end_of_bands: u32,
}

impl<'a> StoredScan<'a> {
    pub(crate) fn new(
        coefficients: &'a mut Coefficients,
        layout: &'a Layout,
        components: &'a [CodedComponent],
        scan: &ScanHeader,
        progressive: bool,
    ) -> Self {
        let (band, bit) = (Band::new(scan), Bit::new(scan.shift));
        let part = match (progressive, scan.spectrum.0, scan.refines) {
            (false, ..) => Part::Whole,
            (true, 0, false) => Part::Dc { shift: scan.shift },
            (true, 0, true) => Part::DcBit(bit),
            (true, _, false) => Part::Ac(band),
            (true, _, true) => Part::AcBit(band, bit),
        };
        Self { coefficients, layout, components, part, predictions: [0; 4], end_of_bands: 0 }
    }

    fn block(
        &mut self,
        bits: &mut Bits<'_>,
        place: usize,
        x: usize,
        y: usize,
    ) -> Result<(), Damage> {
        let component = &self.components[place];
        let plane = &self.layout.planes[component.index];
        let block = self.coefficients.block(component.index, plane, x, y);
        bits.refill();
        let prediction = &mut self.predictions[place];
        let mut dc = |bits: &mut Bits<'_>| {
            let (length, difference) = component.dc.as_ref()?.difference(bits.ahead())?;
            bits.skip(length);
            *prediction = prediction.wrapping_add(difference);
            Some(*prediction)
        };
        match self.part {
            Part::Whole => {
                *block = [0; 64];
                block[0] = dc(bits).ok_or(Damage)?;
                let ac = component.ac.as_ref().ok_or(Damage)?;
                if !ac.coefficients(bits, block) {
                    return Err(Damage);
                }
            }
            Part::Dc { shift } => block[0] = dc(bits).ok_or(Damage)? << shift,
            Part::DcBit(bit) => bit.set(bits, &mut block[0]),
            Part::Ac(band) => {
                let ac = component.ac.as_ref().ok_or(Damage)?;
                band.take(ac, bits, block, &mut self.end_of_bands)?;
            }
            Part::AcBit(band, bit) => {
                let ac = component.ac.as_ref().ok_or(Damage)?;
                band.refine(bit, ac, bits, block, &mut self.end_of_bands)?;
            }
        }
        Ok(())
    }

    /// Calls for each block of an MCU: with the component's place in the scan.
    #[inline(always)]
    fn each_block(
        &mut self,
        x: usize,
        y: usize,
        mut call: impl FnMut(&mut Self, usize, usize, usize) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        // The blocks of a single component are not grouped.
        if self.components.len() == 1 {
            return call(self, 0, x, y);
        }
        for place in 0..self.components.len() {
            let plane = &self.layout.planes[self.components[place].index];
            let (across, down) = (plane.h, plane.v);
            for v in 0..down {
                for h in 0..across {
                    call(self, place, x * across + h, y * down + v)?;
                }
            }
        }
        Ok(())
    }
}

impl Sink for StoredScan<'_> {
    fn restart(&mut self) {
        self.predictions = [0; 4];
        self.end_of_bands = 0;
    }

    #[inline(always)]
    fn take(
        &mut self,
        bits: &mut Bits<'_>,
        (x, y): (usize, usize),
        _count: usize,
    ) -> Result<(), Damage> {
        self.each_block(x, y, |scan, place, x, y| scan.block(bits, place, x, y))
    }

    /// Keeps the contributions of other scans to the MCU.
    fn lose(&mut self, (x, y): (usize, usize)) {
        if matches!(self.part, Part::Whole) {
            let zero = |scan: &mut Self, place: usize, x, y| {
                let index = scan.components[place].index;
                *scan.coefficients.block(index, &scan.layout.planes[index], x, y) = [0; 64];
                Ok(())
            };
            let _ = self.each_block(x, y, zero);
        }
    }

    fn finish_row(&mut self, _y: usize) {}
}
