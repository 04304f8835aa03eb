//! Decodes a JPEG whose headers have been read.

use crate::headers::{Header, Quantisation, ScanHeader, Tables};
use crate::huffman::HuffmanCache;
use crate::intervals::Intervals;
use crate::kernels::{self, Kernels, Work};
use crate::planes::{Layout, Rows};
use crate::scan::{
    CodedComponent, Coefficients, Grid, PendingBlocks, Progress, SingleScan, StoredScan,
    coded_components, walk,
};
use crate::{Error, Level, Options, markers};

/// Decodes JPEGs; keeps its memory and tables from one to the next.
#[derive(Debug)]
pub struct Decoder {
    level: Level,
    cache: HuffmanCache,
    memory: Memory,
}

/// Memory that is used again.
#[derive(Debug, Default)]
struct Memory {
    /// The data of a restart interval.
    data: Vec<u8>,
    samples: Vec<u8>,
    upsampled: Vec<u8>,
    coefficients: Coefficients,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoded {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// MCUs that could not be decoded, of all scans together. Always 0 unless [`Options::lenient`].
    pub lost: usize,
}

/// Pixels that a scan counts for at least: what its tables cost, if its image is tiny.
const LEAST_PASSED: u64 = 4096;

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that uses the best instructions of this processor.
    pub fn new() -> Self {
        Self::with_level(Level::best())
    }

    /// A decoder that uses these instructions.
    pub fn with_level(level: Level) -> Self {
        Self { level, cache: HuffmanCache::default(), memory: Memory::default() }
    }

    /// Decodes a JPEG into `pixels`, whose memory is used again: row after row, without gaps.
    ///
    /// # Errors
    /// [`Error`]; what `pixels` holds is then unspecified.
    pub fn decode(
        &mut self,
        header: &Header<'_>,
        options: &Options,
        pixels: &mut Vec<u8>,
    ) -> Result<Decoded, Error> {
        self.decode_while(header, options, pixels, &mut || true)
    }

    /// The same, but stops with [`Error::Stopped`] when `keep_going` says so. It is asked once for each row of MCUs,
    /// so quite often and never for long.
    ///
    /// # Errors
    /// [`Error`]; what `pixels` holds is then unspecified.
    pub fn decode_while(
        &mut self,
        header: &Header<'_>,
        options: &Options,
        pixels: &mut Vec<u8>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Decoded, Error> {
        let layout = header.checked_layout(options)?;
        // Not cleared first: all of it is written.
        pixels.resize(layout.bytes(), 0);
        let mut progress = Progress { lenient: options.lenient, lost: 0, keep_going };
        let mut image = Image { decoder: self, header, layout: &layout, pixels };
        match header.has_single_scan() {
            true => image.single_scan(&mut progress)?,
            false => image.several_scans(options, &mut progress)?,
        }
        Ok(Decoded { width: layout.width, height: layout.height, lost: progress.lost })
    }

    /// Gives memory back, so that at most about this many bytes are kept.
    pub fn shrink(&mut self, bytes: usize) {
        let Memory { data, samples, upsampled, coefficients } = &mut self.memory;
        for buffer in [data, samples, upsampled] {
            if buffer.capacity() > bytes / 4 {
                *buffer = Vec::new();
            }
        }
        coefficients.shrink(bytes / 4);
    }
}

impl Header<'_> {
    /// Bytes that decoding this JPEG would allocate at most, the pixels included.
    pub fn memory(&self, options: &Options) -> usize {
        let layout = self.layout(options);
        layout.memory(!self.has_single_scan()) + self.jpeg.len()
    }

    /// Whether the data can hold as many pixels as the header declares: each block takes a bit at least. Without this a
    /// file of a few bytes could claim all the memory that the limits allow.
    pub fn is_plausible(&self) -> bool {
        self.frame.blocks() <= self.jpeg.len() * 8
    }

    fn layout(&self, options: &Options) -> Layout {
        Layout::new(&self.frame, self.application.colour_space(&self.frame), options)
    }

    /// Checks everything that the headers say against the limits.
    fn checked_layout(&self, options: &Options) -> Result<Layout, Error> {
        let (width, height) = (self.width(), self.height());
        if width * height > options.limits.max_pixels {
            return Err(Error::TooLarge { width, height });
        }
        if !self.is_plausible() && !options.lenient {
            return Err(Error::Implausible { width, height });
        }
        let limit = options.limits.max_memory;
        let needed = self.memory(options);
        if needed > limit {
            return Err(Error::TooMuchMemory { needed, limit });
        }
        Ok(self.layout(options))
    }

    /// Whether the first scan is all there is to the image.
    fn has_single_scan(&self) -> bool {
        !self.is_progressive() && self.scan.components.len() == self.components()
    }
}

/// An image that is being decoded.
struct Image<'a> {
    decoder: &'a mut Decoder,
    header: &'a Header<'a>,
    layout: &'a Layout,
    pixels: &'a mut [u8],
}

impl Image<'_> {
    /// Decodes an image whose only scan is sequential.
    fn single_scan(&mut self, progress: &mut Progress<'_>) -> Result<(), Error> {
        let Self { decoder, header, layout, pixels } = self;
        let Decoder { level, cache, memory } = &mut **decoder;
        let coded = coded_components(&header.frame, &header.scan, &header.tables, cache)?;
        let quantisation = header
            .frame
            .components
            .iter()
            .map(|component| header.tables.quantisation[component.quantisation])
            .collect::<Option<Vec<_>>>()
            .ok_or(NO_QUANTISATION)?;
        memory.samples.resize(layout.samples, 0);
        memory.upsampled.resize(layout.row * layout.planes.len(), 0);
        let mut run = |grid: Grid, progress: &mut Progress<'_>| {
            let work = SingleScanWork {
                header,
                layout,
                coded: &coded,
                quantisation: &quantisation,
                memory,
                pixels,
                grid,
                progress,
            };
            kernels::run(*level, work)
        };
        let grid = Grid {
            across: layout.mcus.0,
            down: layout.mcus.1,
            interval: header.tables.restart_interval,
            as_found: false,
        };
        let first = run(grid, progress);
        if progress.lenient || !may_contradict(first, grid) {
            return first;
        }
        // Perhaps it is the restart interval that is wrong.
        let second = run(Grid { as_found: true, ..grid }, progress);
        if may_contradict(second, grid) { first } else { second }
    }

    /// Decodes an image of several scans: their coefficients first, then its pixels.
    fn several_scans(
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
        let rows = Rows::new(layout, samples, upsampled, pixels);
        let work = PixelsWork { layout, coefficients, quantisation: &quantisation, rows, progress };
        kernels::run(decoder.level, work)
    }

    /// Takes the coefficients of all scans, and returns the quantisation of each component.
    fn scans(
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
        loop {
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
            at = scan_into(decoder, header, layout, &scan, &tables, at, progress)?;
            match next_scan(jpeg, at, &mut tables, header)? {
                Next::Scan(next, data) => (scan, at) = (next, data),
                Next::EndOfImage => break,
                // Nobody knows how much finer a progressive image would have become.
                Next::EndOfData if header.is_progressive() && !progress.lenient => {
                    return Err(Error::Truncated);
                }
                Next::EndOfData => break,
            }
        }
        let complete: Option<Vec<_>> = quantisation.into_iter().collect();
        complete.ok_or(if progress.lenient { NO_QUANTISATION } else { Error::Truncated })
    }
}

const NO_QUANTISATION: Error = Error::Corrupt("a quantisation table is missing");

/// Whether this may come of data and restart interval that contradict each other.
fn may_contradict(result: Result<(), Error>, grid: Grid) -> bool {
    match result {
        Err(Error::Corrupt(_)) => true,
        Err(Error::Truncated) => grid.interval != 0,
        _ => false,
    }
}

/// Pixels that a scan passes over.
fn pixels_passed(layout: &Layout, scan: &ScanHeader) -> u64 {
    let blocks = |plane: &crate::planes::Plane| (plane.blocks.0 * plane.blocks.1) as u64;
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
    let grid = Grid { across, down, interval: tables.restart_interval, as_found: false };
    let mut run = |grid: Grid, progress: &mut Progress<'_>| {
        let Memory { data, coefficients, .. } = &mut decoder.memory;
        let mut sink = StoredScan::new(coefficients, layout, &coded, scan, progressive);
        let mut intervals = Intervals::new(header.jpeg, at);
        let walked = walk(&mut intervals, data, grid, &mut sink, progress);
        walked.map(|()| intervals.end())
    };
    let first = run(grid, progress);
    if progressive || progress.lenient || !may_contradict(first.map(drop), grid) {
        return first;
    }
    let second = run(Grid { as_found: true, ..grid }, progress);
    if may_contradict(second.map(drop), grid) { first } else { second }
}

/// What follows a scan.
enum Next {
    /// Another, and where its data begins.
    Scan(ScanHeader, usize),
    EndOfImage,
    /// Nothing, not even an end marker.
    EndOfData,
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
        if marker == markers::EOI {
            return Ok(Next::EndOfImage);
        }
        at = after;
        if markers::is_bare(marker) {
            continue;
        }
        // What is cut off after the last scan costs nothing; a scan that is missing is noticed.
        let Ok((payload, rest)) = markers::segment(jpeg, at) else { break };
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
    Ok(Next::EndOfData)
}

/// A single scan, with everything that it needs.
struct SingleScanWork<'a, 'b> {
    header: &'a Header<'a>,
    layout: &'a Layout,
    coded: &'a [CodedComponent],
    quantisation: &'a [Quantisation],
    memory: &'a mut Memory,
    pixels: &'a mut [u8],
    grid: Grid,
    progress: &'a mut Progress<'b>,
}

impl Work for SingleScanWork<'_, '_> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Self::Output {
        let Self { header, layout, coded, quantisation, memory, pixels, grid, progress } = self;
        let Memory { data, samples, upsampled, .. } = memory;
        let rows = Rows::new(layout, samples, upsampled, pixels);
        let mut sink = SingleScan::new(kernels, layout, coded, quantisation, rows)
            .ok_or(Error::Corrupt("a Huffman table is missing"))?;
        let mut intervals = Intervals::new(header.jpeg, header.data);
        walk(&mut intervals, data, grid, &mut sink, progress)
    }
}

/// Pixels of coefficients, with everything that it needs.
struct PixelsWork<'a, 'b> {
    layout: &'a Layout,
    coefficients: &'a Coefficients,
    quantisation: &'a [Quantisation],
    rows: Rows<'a>,
    progress: &'a mut Progress<'b>,
}

impl Work for PixelsWork<'_, '_> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Self::Output {
        let Self { layout, coefficients, quantisation, mut rows, progress } = self;
        let mut pending: Vec<_> = layout
            .planes
            .iter()
            .zip(quantisation)
            .map(|(plane, quantisation)| PendingBlocks::new(plane, quantisation))
            .collect();
        for mcu_row in 0..layout.mcus.1 {
            let samples = rows.samples();
            for (index, (plane, pending)) in layout.planes.iter().zip(&mut pending).enumerate() {
                for v in 0..if plane.is_needed { plane.v } else { 0 } {
                    let row = coefficients.row(index, plane, mcu_row * plane.v + v);
                    for (x, block) in row.iter().enumerate() {
                        let at = plane.block_offset(x, v);
                        if plane.dct == 1 || block[1..].iter().all(|&value| value == 0) {
                            pending.push_flat(block[0], samples, at);
                        } else {
                            *pending.next() = *block;
                            pending.push(kernels, samples, at, 63);
                        }
                    }
                }
                pending.flush(kernels, samples);
            }
            rows.finish_mcus(kernels, mcu_row);
            if !(progress.keep_going)() {
                return Err(Error::Stopped);
            }
        }
        Ok(())
    }
}
