//! Small JPEGs, valid and broken.

use framegate::stages::{DecodeError, DecodeLimits, Decoder, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Ways to code an image.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Coding {
    pub(crate) progressive: bool,
    pub(crate) sampling: Option<SamplingFactor>,
    /// MCUs between restart markers.
    pub(crate) restart_interval: u16,
    /// Optimised Huffman tables; the encoder then also gives each component its own scan.
    pub(crate) separate_scans: bool,
    /// Value of EXIF's orientation tag.
    pub(crate) orientation: Option<u8>,
}

/// An image of colour gradients, which JPEG preserves well.
pub(crate) fn slopes(width: usize, height: usize) -> Vec<u8> {
    let level = |at: usize, extent: usize| (at * 255 / extent.max(2)) as u8;
    (0..height)
        .flat_map(|y| {
            (0..width).flat_map(move |x| {
                [level(x, width), level(y, height), 255 - level(x + y, width + height)]
            })
        })
        .collect()
}

/// Encodes `[height, width, 3]` pixels.
pub(crate) fn encode(pixels: &[u8], width: usize, height: usize, coding: Coding) -> Vec<u8> {
    encode_as(ColorType::Rgb, pixels, width, height, coding)
}

/// Encodes pixels of any format that the encoder supports.
pub(crate) fn encode_as(
    color: ColorType,
    pixels: &[u8],
    width: usize,
    height: usize,
    coding: Coding,
) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 95);
    encoder.set_progressive(coding.progressive);
    encoder.set_sampling_factor(coding.sampling.unwrap_or(SamplingFactor::F_1_1));
    encoder.set_restart_interval(coding.restart_interval);
    encoder.set_optimized_huffman_tables(coding.separate_scans);
    if let Some(orientation) = coding.orientation {
        encoder.add_exif_metadata(&exif(orientation)).expect("it fits a segment");
    }
    encoder.encode(pixels, width as u16, height as u16, color).expect("sizes agree");
    jpeg
}

/// EXIF data with only an orientation: a little-endian TIFF header and one directory entry.
fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    tiff
}

/// Position of the frame header's marker.
pub(crate) fn frame_header(jpeg: &[u8]) -> usize {
    let marker = |pair: &[u8]| pair[0] == 0xFF && matches!(pair[1], 0xC0..=0xC2);
    jpeg.windows(2).position(marker).expect("an encoded JPEG has a frame header")
}

/// Changes the size that the frame header declares.
pub(crate) fn declare_size(jpeg: &mut [u8], width: u16, height: u16) {
    let at = frame_header(jpeg) + 5;
    jpeg[at..at + 2].copy_from_slice(&height.to_be_bytes());
    jpeg[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
}

/// Decodes within the default limits.
pub(crate) fn decode(jpeg: &[u8]) -> Result<RgbImage, DecodeError> {
    let mut image = RgbImage::default();
    Decoder::new(DecodeLimits::DEFAULT).decode(jpeg, &mut image).map(|()| image)
}

/// The largest difference between the pixel values of two images.
pub(crate) fn largest_difference(left: &[u8], right: &[u8]) -> u8 {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).map(|(left, right)| left.abs_diff(*right)).max().unwrap_or(0)
}

/// A JPEG that is costly to decode for its size: progressive, three components, and this many scans after the
/// first, which refine coefficients that are all zero.
pub(crate) fn many_scans(width: usize, height: usize, scans: usize) -> Vec<u8> {
    let segment = |jpeg: &mut Vec<u8>, marker: u8, payload: &[u8]| {
        jpeg.extend([0xFF, marker]);
        jpeg.extend((payload.len() as u16 + 2).to_be_bytes());
        jpeg.extend(payload);
    };
    let mut jpeg = vec![0xFF, 0xD8];
    segment(&mut jpeg, 0xDB, &[&[0][..], &[1; 64]].concat());
    let [h, w] = [height, width].map(|extent| (extent as u16).to_be_bytes());
    let header = [8, h[0], h[1], w[0], w[1], 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
    segment(&mut jpeg, 0xC2, &header);
    // One code of one bit: no difference to the block before. Three of two bits: a run of at least 2¹⁴
    // blocks that have ended, one of at least 8, and a single coefficient, which does not occur.
    segment(&mut jpeg, 0xC4, &[&[0x00, 1][..], &[0; 15], &[0]].concat());
    segment(&mut jpeg, 0xC4, &[&[0x10, 0, 3][..], &[0; 14], &[0xE0, 0x30, 0x01]].concat());
    let blocks = width.div_ceil(8) * height.div_ceil(8);
    segment(&mut jpeg, 0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0]);
    let bits = BitString::default().push(0, blocks * 3 % 8);
    jpeg.extend(vec![0; blocks * 3 / 8]);
    jpeg.extend(bits.finish());
    let mut ended = BitString::default();
    let mut left = blocks;
    while left > 0 {
        let run = match left {
            0..8 => 8,
            8..16384 => left.min(15),
            _ => left.min(32767),
        };
        ended = match run {
            0..16384 => ended.push(0b01, 2).push(run - 8, 3),
            _ => ended.push(0b00, 2).push(run - 16384, 14),
        };
        left = left.saturating_sub(run);
    }
    let ended = ended.finish();
    for scan in 0..scans {
        // Of each component the first leaves as many bits to come as it has further scans.
        let low = (scans - 1 - scan) / 3;
        let high = if scan < 3 { 0 } else { low + 1 };
        let approximation = (high << 4 | low) as u8;
        segment(&mut jpeg, 0xDA, &[1, scan as u8 % 3 + 1, 0, 1, 63, approximation]);
        jpeg.extend(&ended);
    }
    jpeg.extend([0xFF, 0xD9]);
    jpeg
}

/// Entropy-coded data in the making.
#[derive(Default)]
struct BitString {
    bytes: Vec<u8>,
    pending: usize,
    count: usize,
}

impl BitString {
    /// Adds the lowest bits of a value.
    fn push(mut self, value: usize, bits: usize) -> Self {
        for bit in (0..bits).rev() {
            self.pending = self.pending << 1 | value >> bit & 1;
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.pending as u8);
                if self.pending == 0xFF {
                    self.bytes.push(0);
                }
                (self.pending, self.count) = (0, 0);
            }
        }
        self
    }

    /// Fills the last byte with ones.
    fn finish(self) -> Vec<u8> {
        let missing = (8 - self.count) % 8;
        self.push((1 << missing) - 1, missing).bytes
    }
}
