//! The coefficients of images of several scans.

use super::attempts::run_in_turn;
use super::image::{Image, NO_QUANTISATION, check_end};
use super::progression::Progression;
use super::{Decoder, Memory};
use crate::headers::{Header, Quantisation, ScanHeader, Tables};
use crate::intervals::Intervals;
use crate::planes::{Layout, Plane};
use crate::scan::{Grid, Progress, StoredScan, coded_components, walk};
use crate::{Error, Options, markers};

/// Pixels that a scan counts for at least: what its tables cost, if its image is tiny.
const LEAST_PASSED: u64 = 4096;

impl Image<'_> {
    /// Takes the coefficients of all scans, and returns the quantisation of each component.
    pub(super) fn scans(
        &mut self,
        options: &Options,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<Quantisation>, Error> {
        let Self { decoder, header, layout, .. } = self;
        let jpeg = header.jpeg;
        let components = header.components();
        // A component keeps the quantisation that it has in its first scan.
        let mut quantisation: Vec<Option<Quantisation>> = vec![None; components];
        let mut tables = header.tables;
        let mut scan = header.scan.clone();
        let mut at = header.data;
        let mut passed = 0;
        let mut progression = Progression::new(components);
        let missing = loop {
            passed += pixels_passed(layout, &scan);
            if passed > options.limits.max_pixels_passed {
                return Err(Error::TooManyScans(passed));
            }
            for component in &scan.components {
                let known = &mut quantisation[component.index];
                let table =
                    tables.quantisation[header.frame.components[component.index].quantisation];
                *known = known.or(table);
            }
            match progression.take(&scan) {
                Err(error) if !progress.lenient => return Err(error),
                _ => {}
            }
            at = scan_into(decoder, header, layout, &scan, &tables, at, progress)?;
            match next_scan(jpeg, at, &mut tables, header)? {
                Next::Scan(next, data) => (scan, at) = (next, data),
                Next::End { is_marked: true } => {
                    check_end(header, at)?;
                    break Error::Incomplete;
                }
                Next::End { is_marked: false } => break Error::Truncated,
            }
        };
        if !progression.is_complete() {
            if !progress.lenient {
                return Err(missing);
            }
            // All of it is coarser than it was, or lacks a component.
            progress.lost += layout.mcus.0 * layout.mcus.1;
        }
        let known = |(index, table): (usize, Option<Quantisation>)| match table {
            // Zeros, by whatever they are multiplied.
            None if !progression.has_begun(index) => Ok([1; 64]),
            known => known.ok_or(NO_QUANTISATION),
        };
        quantisation.into_iter().enumerate().map(known).collect()
    }
}

/// Pixels that a scan passes over.
fn pixels_passed(layout: &Layout, scan: &ScanHeader) -> u64 {
    let blocks = |plane: &Plane| (plane.blocks.0 * plane.blocks.1) as u64;
    let passed: u64 = scan.components.iter().map(|c| blocks(&layout.planes[c.index])).sum();
    let all: u64 = layout.planes.iter().map(blocks).sum();
    let pixels = (layout.mcus.0 * layout.mcus.1 * 64) as u64;
    (pixels * passed / all.max(1)).max(LEAST_PASSED)
}

/// Takes the coefficients of a scan, and returns where the bytes after it begin.
fn scan_into(
    decoder: &mut Decoder,
    header: &Header<'_>,
    layout: &Layout,
    scan: &ScanHeader,
    tables: &Tables<'_>,
    at: usize,
    progress: &mut Progress<'_>,
) -> Result<usize, Error> {
    let progressive = header.is_progressive();
    let coded = coded_components(&header.frame, scan, tables, &mut decoder.cache)?;
    let (across, down) = match scan.components.as_slice() {
        [only] => layout.planes[only.index].own_blocks,
        _ => layout.mcus,
    };
    let grid = Grid::new((across, down), tables.restart_interval);
    let grid = Grid { has_zeros: progressive, ..grid };
    let mut run = |grid: Grid, progress: &mut Progress<'_>| {
        let Memory { data, coefficients, .. } = &mut decoder.memory;
        let mut sink = StoredScan::new(coefficients, layout, &coded, scan, progressive);
        let mut intervals = Intervals::new(header.jpeg, at);
        let walked = walk(&mut intervals, data, grid, &mut sink, progress);
        walked.map(|()| intervals.end())
    };
    // A second attempt would refine what the first has refined.
    if progressive {
        run(grid, progress)
    } else {
        run_in_turn((header.jpeg, at), grid, progress, run)
    }
}

/// The thing after a scan.
enum Next {
    /// Another, and where its data begins.
    Scan(ScanHeader, usize),
    /// The end marker, or no more data.
    End { is_marked: bool },
}

/// Reads segments up to the next scan.
fn next_scan<'a>(
    jpeg: &'a [u8],
    at: usize,
    tables: &mut Tables<'a>,
    header: &Header<'_>,
) -> Result<Next, Error> {
    let mut at = at;
    while let Some((marker, after)) = markers::next_after_scan(jpeg, at) {
        match marker {
            markers::EOI => return Ok(Next::End { is_marked: true }),
            // The next image, after one without an end marker.
            markers::SOI => break,
            _ => {}
        }
        at = after;
        if markers::is_bare(marker) {
            continue;
        }
        // What is cut off after the last scan costs nothing; a scan that is missing is noticed.
        let Ok((payload, rest)) = markers::segment(jpeg, marker, at) else { break };
        at = rest;
        match marker {
            markers::DQT => tables.define_quantisation(payload)?,
            markers::DHT => tables.define_huffman(payload)?,
            markers::DRI => tables.define_restart_interval(payload)?,
            markers::SOS => {
                return Ok(Next::Scan(ScanHeader::read(payload, &header.frame)?, at));
            }
            _ => {}
        }
    }
    Ok(Next::End { is_marked: false })
}
