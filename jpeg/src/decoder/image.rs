//! An image on its way through a decoder: one scan at once, or coefficients first and then pixels.

use super::attempts::run_in_turn;
use super::bands::Bands;
use super::pixels::PixelsWork;
use super::scan::Scan;
use super::{Decoder, Memory};
use crate::headers::Header;
use crate::intervals::Intervals;
use crate::planes::{Layout, Rows};
use crate::scan::{CodedComponent, Grid, Progress, coded_components};
use crate::{Error, Options, kernels, markers};

/// An image that is being decoded.
pub(super) struct Image<'a> {
    pub(super) decoder: &'a mut Decoder,
    pub(super) header: &'a Header<'a>,
    pub(super) layout: &'a Layout,
    pub(super) pixels: &'a mut [u8],
}

impl Image<'_> {
    /// Decodes an image whose only scan is sequential.
    pub(super) fn single_scan(
        &mut self,
        options: &Options,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let Self { decoder, header, layout, pixels } = self;
        let Decoder { level, cache, memory, helpers } = &mut **decoder;
        let coded = coded_components(&header.frame, &header.scan, &header.tables, cache)?;
        let tables = |component: &CodedComponent| {
            let plane = &layout.planes[component.index];
            let (Some(dc), Some(ac)) = (&component.dc, &component.ac) else {
                return Err(Error::Corrupt("a Huffman table is missing"));
            };
            let skips = !plane.is_needed || plane.dct == 1;
            Ok((component.index, cache.blocks(dc, ac, skips)?))
        };
        let coded = coded.iter().map(tables).collect::<Result<Vec<_>, Error>>()?;
        let quantisation = header
            .frame
            .components
            .iter()
            .map(|component| header.tables.quantisation[component.quantisation])
            .collect::<Option<Vec<_>>>()
            .ok_or(NO_QUANTISATION)?;
        let scan =
            Scan { level: *level, header, layout, coded: &coded, quantisation: &quantisation };
        if let Some(bands) = Bands::of(header, layout, options) {
            let is_lenient = std::mem::take(&mut progress.lenient);
            let result = bands.decode(&scan, memory, helpers, pixels, progress);
            progress.lenient = is_lenient;
            // What is wrong, if something is, is found again and said by the way that knows all of the data.
            match result {
                Ok(end) => return check_end(header, end),
                Err(Error::Stopped) => return Err(Error::Stopped),
                Err(_) => {}
            }
        }
        let grid = Grid::new(layout.mcus, header.tables.restart_interval);
        let end = run_in_turn((header.jpeg, header.data), grid, progress, |grid, progress| {
            let intervals = Intervals::new(header.jpeg, header.data);
            scan.run(intervals, grid, memory, (pixels, 0), progress)
        })?;
        check_end(header, end)
    }

    /// Decodes an image of several scans: their coefficients first, then its pixels.
    pub(super) fn several_scans(
        &mut self,
        options: &Options,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        self.decoder.memory.coefficients.reset(self.layout);
        let quantisation = self.scans(options, progress)?;
        let Self { decoder, header: _, layout, pixels } = self;
        let Memory { samples, upsampled, coefficients, .. } = &mut decoder.memory;
        samples.resize(layout.samples, 0);
        upsampled.resize(layout.row * layout.planes.len(), 0);
        let rows = Rows::new(layout, samples, upsampled, pixels, 0);
        let work = PixelsWork { layout, coefficients, quantisation: &quantisation, rows, progress };
        kernels::run(decoder.level, work)
    }
}

/// Checks that the image ends at `end`, and not its thumbnail.
pub(super) fn check_end(header: &Header<'_>, end: usize) -> Result<(), Error> {
    match markers::ends_thumbnail(header.jpeg, end) {
        true => Err(Error::Corrupt("a second image ends inside the headers")),
        false => Ok(()),
    }
}

pub(super) const NO_QUANTISATION: Error = Error::Corrupt("a quantisation table is missing");
