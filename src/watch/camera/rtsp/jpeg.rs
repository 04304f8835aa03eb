//! Puts JPEGs together from the payloads of packets (RFC 2435). Their Huffman tables are the common ones, which a
//! decoder takes where there are none.

use super::packet::{Packet, Sequence};

/// Puts JPEGs together.
#[derive(Debug)]
pub(super) struct Jpegs {
    most_bytes: usize,
    sequence: Sequence,
    /// The JPEG that is arriving, up to its entropy-coded data; empty while there is none.
    jpeg: Vec<u8>,
    head_bytes: usize,
    /// Quantisation tables that were sent once, by their number from 128 to 254.
    tables: Vec<Option<Vec<u8>>>,
}

/// The head of a payload.
struct Head<'a> {
    offset: usize,
    kind: u8,
    quality: u8,
    width: u16,
    height: u16,
    restart_interval: Option<u16>,
    rest: &'a [u8],
}

impl Jpegs {
    /// JPEGs of at most this many bytes.
    pub(super) fn new(most_bytes: usize) -> Self {
        let tables = vec![None; 127];
        let sequence = Sequence::default();
        Self { most_bytes, sequence, jpeg: Vec::new(), head_bytes: 0, tables }
    }

    /// Takes a packet and returns the JPEG that it completes. One of which something is missing is left out.
    pub(super) fn push(&mut self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        if !self.sequence.continues(packet) {
            self.jpeg.clear();
        }
        if self.take(packet.payload).is_none() || self.jpeg.len() > self.most_bytes {
            self.jpeg.clear();
        }
        if !packet.is_last || self.jpeg.is_empty() {
            return None;
        }
        let mut jpeg = std::mem::take(&mut self.jpeg);
        if !jpeg.ends_with(&[0xFF, 0xD9]) {
            jpeg.extend([0xFF, 0xD9]);
        }
        Some(jpeg)
    }

    fn take(&mut self, payload: &[u8]) -> Option<()> {
        let head = Head::parse(payload)?;
        let mut data = head.rest;
        if head.offset == 0 {
            let tables;
            (tables, data) = self.quantisation(head.quality, data)?;
            self.jpeg = begin(&head, &tables)?;
            self.head_bytes = self.jpeg.len();
        } else if self.jpeg.is_empty() || head.offset != self.jpeg.len() - self.head_bytes {
            return None;
        }
        self.jpeg.extend(data);
        Some(())
    }

    /// The tables of a frame, for luma and chroma, and the data after them.
    fn quantisation<'a>(&mut self, quality: u8, data: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
        if quality < 128 {
            return Some((scaled(quality), data));
        }
        let (head, rest) = data.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let (tables, rest) = rest.split_at_checked(length)?;
        let kept = self.tables.get_mut(usize::from(quality - 128));
        // Entries of 16 bits do not occur in baseline JPEGs.
        if head[1] != 0 {
            return None;
        }
        match (length, kept) {
            (0, Some(kept)) => Some((kept.clone()?, rest)),
            (64 | 128, kept) => {
                if let Some(kept) = kept {
                    *kept = Some(tables.to_vec());
                }
                Some((tables.to_vec(), rest))
            }
            _ => None,
        }
    }
}

impl<'a> Head<'a> {
    fn parse(payload: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = payload.split_first_chunk::<8>()?;
        let mut restart_interval = None;
        if head[4] >= 64 {
            let (restart, tail) = rest.split_first_chunk::<4>()?;
            restart_interval = Some(u16::from_be_bytes([restart[0], restart[1]]));
            rest = tail;
        }
        Some(Self {
            offset: u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize,
            kind: head[4] & 63,
            quality: head[5],
            width: u16::from(head[6]) * 8,
            height: u16::from(head[7]) * 8,
            restart_interval,
            rest,
        })
    }
}

/// The beginning of a JPEG up to its entropy-coded data; `None` for a kind without a meaning.
fn begin(head: &Head<'_>, tables: &[u8]) -> Option<Vec<u8>> {
    // Luma samples for each of chroma, in a row and in a column.
    let sampling = match head.kind {
        0 => 0x21,
        1 => 0x22,
        _ => return None,
    };
    let (luma, chroma) = tables.split_at_checked(64)?;
    let chroma = if chroma.is_empty() { luma } else { chroma };
    let mut jpeg = vec![0xFF, 0xD8];
    for (number, table) in [(0, luma), (1, chroma)] {
        jpeg.extend([0xFF, 0xDB, 0, 67, number]);
        jpeg.extend(table);
    }
    if let Some(interval) = head.restart_interval {
        jpeg.extend([0xFF, 0xDD, 0, 4]);
        jpeg.extend(interval.to_be_bytes());
    }
    jpeg.extend([0xFF, 0xC0, 0, 17, 8]);
    jpeg.extend(head.height.to_be_bytes());
    jpeg.extend(head.width.to_be_bytes());
    jpeg.extend([3, 0, sampling, 0, 1, 0x11, 1, 2, 0x11, 1]);
    jpeg.extend([0xFF, 0xDA, 0, 12, 3, 0, 0, 1, 0x11, 2, 0x11, 0, 63, 0]);
    Some(jpeg)
}

/// Tables K.1 and K.2 of ITU-T T.81 in zigzag order, scaled to a quality (RFC 2435, appendix A).
fn scaled(quality: u8) -> Vec<u8> {
    let quality = u32::from(quality.clamp(1, 99));
    let factor = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    let scale = |value: &u8| ((u32::from(*value) * factor + 50) / 100).clamp(1, 255) as u8;
    LUMA.iter().chain(&CHROMA).map(scale).collect()
}

#[rustfmt::skip]
const LUMA: [u8; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];

#[rustfmt::skip]
const CHROMA: [u8; 64] = [
    17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16, is_last: bool, payload: &[u8]) -> Packet<'_> {
        Packet { is_last, kind: 26, sequence, time: 0, payload }
    }

    /// A payload for a JPEG of 16×8 pixels with these quality and data.
    fn payload(offset: u8, kind: u8, quality: u8, data: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, offset, kind, quality, 2, 1], data].concat()
    }

    #[test]
    fn a_jpeg_is_put_together_with_its_tables() {
        let mut jpegs = Jpegs::new(1000);
        assert_eq!(
            jpegs.push(&packet(1, false, &payload(0, 65, 50, &[0, 7, 0xFF, 0xFF, 1, 2]))),
            None
        );
        let jpeg = jpegs.push(&packet(2, true, &payload(2, 65, 50, &[0, 7, 0, 0, 3]))).unwrap();
        assert!(jpeg.starts_with(&[0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0, 16, 11, 12]));
        assert!(jpeg.ends_with(&[0, 63, 0, 1, 2, 3, 0xFF, 0xD9]));
        assert!(jpeg.windows(6).any(|window| window == [0xFF, 0xDD, 0, 4, 0, 7]));
        assert!(jpeg.windows(9).any(|window| window == [0xFF, 0xC0, 0, 17, 8, 0, 8, 0, 16]));
    }

    #[test]
    fn tables_are_kept_where_a_camera_sends_them_once() {
        let mut jpegs = Jpegs::new(1000);
        let tables = [&[0, 0, 0, 128][..], &[5; 64], &[6; 64], &[9]].concat();
        let first = jpegs.push(&packet(1, true, &payload(0, 1, 200, &tables))).unwrap();
        let again = jpegs.push(&packet(2, true, &payload(0, 1, 200, &[0, 0, 0, 0, 9]))).unwrap();
        assert_eq!(first, again);
        // Never sent, or for one frame alone.
        assert_eq!(jpegs.push(&packet(3, true, &payload(0, 1, 201, &[0, 0, 0, 0, 9]))), None);
        assert_eq!(jpegs.push(&packet(4, true, &payload(0, 1, 255, &[0, 0, 0, 0, 9]))), None);
    }

    #[test]
    fn a_jpeg_with_a_piece_missing_is_left_out() {
        let mut jpegs = Jpegs::new(400);
        jpegs.push(&packet(1, false, &payload(0, 0, 60, &[1, 2])));
        assert_eq!(jpegs.push(&packet(3, true, &payload(2, 0, 60, &[3]))), None);
        jpegs.push(&packet(4, false, &payload(0, 0, 60, &[1, 2])));
        assert_eq!(jpegs.push(&packet(5, true, &payload(9, 0, 60, &[3]))), None);
        assert_eq!(jpegs.push(&packet(6, true, &payload(0, 0, 60, &[0; 300]))), None);
        assert!(jpegs.push(&packet(7, true, &payload(0, 0, 60, &[1]))).is_some());
        for length in 0..8 {
            assert_eq!(jpegs.push(&packet(8, true, &payload(0, 0, 60, &[])[..length])), None);
        }
    }
}
