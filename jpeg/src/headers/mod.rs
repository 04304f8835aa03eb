//! Reads what stands before the first scan, once.

mod annex_k;
mod application;
mod frame;
mod huffman_spec;
mod scan;
mod tables;

pub(crate) use application::{Application, ColourSpace};
pub(crate) use frame::Frame;
pub(crate) use huffman_spec::HuffmanSpec;
pub(crate) use scan::{ScanComponent, ScanHeader};
pub(crate) use tables::{Quantisation, Tables};

use crate::{Coding, Error, Scale, markers};

/// The headers of a JPEG, up to the data of its first scan.
///
/// ```no_run
/// # let jpeg = vec![];
/// let header = framegate_jpeg::Header::read(&jpeg)?;
/// println!("{}x{} pixels", header.width(), header.height());
/// # Ok::<(), framegate_jpeg::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Header<'a> {
    pub(crate) jpeg: &'a [u8],
    pub(crate) frame: Frame,
    pub(crate) tables: Tables<'a>,
    pub(crate) application: Application<'a>,
    /// The first scan, and where its data begins.
    pub(crate) scan: ScanHeader,
    pub(crate) data: usize,
}

impl<'a> Header<'a> {
    /// Reads segments up to the first scan. Stray bytes between segments and unknown segments are skipped, and start
    /// markers right after the first: one further on begins a thumbnail, in a segment whose length is wrong.
    ///
    /// # Errors
    /// [`Error`] if it is not a JPEG, of a kind that is not supported, cut off or damaged.
    pub fn read(jpeg: &'a [u8]) -> Result<Self, Error> {
        if jpeg.is_empty() {
            return Err(Error::Empty);
        }
        if !jpeg.starts_with(&[0xFF, markers::SOI]) {
            return Err(Error::NotJpeg);
        }
        let mut at = 2;
        let mut tables = Tables::default();
        let mut application = Application::default();
        let mut frame: Option<Frame> = None;
        let mut is_jpeg_ls = false;
        // Some cameras write the start marker several times, perhaps with padding.
        while let padding = jpeg[at..].iter().take_while(|&&byte| byte == 0xFF).count()
            && padding > 0
            && jpeg.get(at + padding) == Some(&markers::SOI)
        {
            at += padding + 1;
        }
        loop {
            let (marker, after) = markers::next(jpeg, at).ok_or(Error::Truncated)?;
            at = after;
            match marker {
                markers::SOI => {
                    return Err(Error::Corrupt("a second image begins inside the headers"));
                }
                markers::EOI => {
                    return Err(Error::Corrupt("it has no frame header before its end marker"));
                }
                _ if markers::is_bare(marker) => continue,
                _ => {}
            }
            let payload;
            (payload, at) = markers::segment(jpeg, marker, at)?;
            match marker {
                markers::DQT => tables.define_quantisation(payload)?,
                markers::DHT => tables.define_huffman(payload)?,
                markers::DRI => tables.define_restart_interval(payload)?,
                markers::JPG | markers::DAC => {}
                markers::SOF0..=markers::SOF15 if frame.is_some() => {
                    return Err(Error::Corrupt("there are two frame headers"));
                }
                markers::SOF0..=markers::SOF15 => frame = Some(Frame::read(marker, payload)?),
                markers::SOF55 => is_jpeg_ls = true,
                // Something else may have had the code of its frame header.
                markers::SOS if is_jpeg_ls && frame.is_none() => {
                    return Err(Error::UnsupportedCoding(Coding::JpegLs));
                }
                markers::SOS => {
                    let missing = Error::Corrupt("it has no frame header before its data");
                    let mut frame = frame.ok_or(missing)?;
                    let scan = ScanHeader::read(payload, &frame)?;
                    if frame.height == 0 {
                        frame.height = height_after_scan(jpeg, at)?;
                    }
                    return Ok(Self { jpeg, frame, tables, application, scan, data: at });
                }
                _ => application.read(marker, payload),
            }
        }
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> usize {
        self.frame.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> usize {
        self.frame.height
    }

    /// Width and height at a scale.
    pub fn size_at(&self, scale: Scale) -> (usize, usize) {
        (scale.length(self.width()), scale.length(self.height()))
    }

    /// Number of components: 1, 3 or 4.
    pub fn components(&self) -> usize {
        self.frame.components.len()
    }

    /// Whether several scans refine the image.
    pub fn is_progressive(&self) -> bool {
        self.frame.progressive
    }

    /// The EXIF data, starting at its TIFF header: of each segment, since the first may be empty.
    pub fn exif(&self) -> impl Iterator<Item = &'a [u8]> {
        self.application.exif.iter().copied()
    }

    /// Pixels that scans pass over, each counted as often as it is passed over by a component, divided by the
    /// number of components; 0 for a baseline JPEG, whose pixels are passed over once. Walks a progressive JPEG to
    /// its end.
    pub fn pixels_passed(&self) -> u64 {
        if !self.is_progressive() {
            return 0;
        }
        let mut passes = self.scan.components.len() as u64;
        let mut at = self.data;
        while let Some((marker, after)) = markers::next_after_scan(self.jpeg, at) {
            at = match marker {
                markers::SOI | markers::EOI => break,
                marker if markers::is_bare(marker) => after,
                _ => {
                    let Ok((payload, rest)) = markers::segment(self.jpeg, marker, after) else {
                        break;
                    };
                    if marker == markers::SOS {
                        passes += payload.first().map_or(0, |&count| u64::from(count.min(4)));
                    }
                    rest
                }
            };
        }
        let pixels = (self.width() * self.height()) as u64;
        pixels.saturating_mul(passes) / self.components() as u64
    }
}

/// The height of a frame whose header says 0, from the DNL segment after its first scan (T.81, B.2.5).
fn height_after_scan(jpeg: &[u8], data: usize) -> Result<usize, Error> {
    const MISSING: Error = Error::Corrupt("the height is 0");
    match markers::next_after_scan(jpeg, data) {
        Some((markers::DNL, after)) => {
            let (payload, _) = markers::segment(jpeg, markers::DNL, after)?;
            let height = payload.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
            if height == 0 { Err(MISSING) } else { Ok(height.into()) }
        }
        _ => Err(MISSING),
    }
}
