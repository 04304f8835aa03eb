//! Cuts the data of a scan into its restart intervals, without stuffed bytes (T.81, B.1.1.5 and E.2.4).

use crate::markers::{self, ff_bytes};

/// The data of a scan, interval by interval.
#[derive(Debug)]
pub(crate) struct Intervals<'a> {
    jpeg: &'a [u8],
    /// Where the next interval begins, or what follows the last.
    at: usize,
    /// The restart marker before the next interval: 0 to 7.
    restart: Option<u8>,
    ended: bool,
}

/// An interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    /// Bytes of its data.
    pub(crate) length: usize,
    /// Number of the restart marker before it, none before the first.
    pub(crate) restart: Option<u8>,
    /// Whether it is the last of the scan.
    pub(crate) is_last: bool,
}

impl<'a> Intervals<'a> {
    /// Of the scan whose data begins at `at`.
    pub(crate) fn new(jpeg: &'a [u8], at: usize) -> Self {
        Self { jpeg, at, restart: None, ended: false }
    }

    /// Of a part of a scan that begins after this restart marker.
    pub(crate) fn after_restart(jpeg: &'a [u8], at: usize, restart: u8) -> Self {
        Self { restart: Some(restart), ..Self::new(jpeg, at) }
    }

    /// Where the marker that ended the scan stands, or the end of the bytes.
    pub(crate) fn end(&self) -> usize {
        self.at
    }

    /// Copies the data of the next interval to the front of `data`, which may be longer than it.
    #[inline(always)]
    pub(crate) fn next(&mut self, data: &mut Vec<u8>) -> Option<Interval> {
        if self.ended {
            return None;
        }
        let source = &self.jpeg[self.at..];
        // Nothing is larger than the bytes that it comes from, and a stretch is always written whole.
        let room = source.len() + 32;
        if data.len() < room {
            data.resize(room, 0);
        }
        let restart = self.restart;
        let (length, read, found) = unstuff(source, data);
        self.at += read;
        match found {
            Some(marker) => {
                self.at += 2;
                // A marker that was written twice begins one interval.
                while self.jpeg[self.at..].starts_with(&[0xFF, marker]) {
                    self.at += 2;
                }
                self.restart = Some(marker - markers::RST0);
            }
            None => self.ended = true,
        }
        Some(Interval { length, restart, is_last: self.ended })
    }
}

/// Copies entropy-coded bytes up to a marker. Returns how many were written and read, and the marker if it is a
/// restart marker; its bytes, or those of any other marker, are the next to be read.
#[inline(always)]
fn unstuff(source: &[u8], data: &mut [u8]) -> (usize, usize, Option<u8>) {
    let (mut read, mut written) = (0, 0);
    loop {
        // Most stretches are long, and most words hold no FF.
        while let Some(stretch) = source.get(read..).and_then(|rest| rest.first_chunk::<32>()) {
            data[written..written + 32].copy_from_slice(stretch);
            if stretch.iter().fold(false, |found, &byte| found | (byte == 0xFF)) {
                break;
            }
            read += 32;
            written += 32;
        }
        while let Some(word) = source.get(read..).and_then(|rest| rest.first_chunk::<8>()) {
            data[written..written + 8].copy_from_slice(word);
            let found = ff_bytes(u64::from_le_bytes(*word));
            let before = if found == 0 { 8 } else { found.trailing_zeros() as usize / 8 };
            read += before;
            written += before;
            if found != 0 {
                break;
            }
        }
        match source.get(read..) {
            Some([0xFF, 0x00, ..]) => {
                data[written] = 0xFF;
                written += 1;
                read += 2;
            }
            // Fill bytes before a marker; before 00, libjpeg takes them as one FF.
            Some([0xFF, 0xFF, ..]) => read += 1,
            Some([0xFF, marker @ markers::RST0..=markers::RST7, ..]) => {
                return (written, read, Some(*marker));
            }
            Some([0xFF, ..]) | Some([]) | None => return (written, read, None),
            Some([byte, ..]) => {
                data[written] = *byte;
                written += 1;
                read += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_cut_at_restart_markers_wherever_they_stand() {
        for before in 0..20 {
            let plain: Vec<u8> = (0..before).collect();
            let mut jpeg = plain.clone();
            jpeg.extend([
                0xFF, 0x00, 0xFF, 0xFF, 0xD3, 7, 8, 0xFF, 0xFF, 0x00, 9, 0xFF, 0xD9, 1, 2,
            ]);
            let mut intervals = Intervals::new(&jpeg, 0);
            let mut data = vec![];
            let first = intervals.next(&mut data).unwrap();
            assert_eq!(data[..first.length], [&plain[..], &[0xFF]].concat());
            assert_eq!((first.restart, first.is_last), (None, false));
            let second = intervals.next(&mut data).unwrap();
            assert_eq!(data[..second.length], [7, 8, 0xFF, 9]);
            assert_eq!((second.restart, second.is_last), (Some(3), true));
            assert_eq!(intervals.next(&mut data), None);
            assert_eq!(jpeg[intervals.end()..], [0xFF, 0xD9, 1, 2]);
        }
    }

    #[test]
    fn data_without_an_end_ends_with_its_bytes() {
        for tail in [&[][..], &[5], &[0xFF], &[0xFF, 0xFF]] {
            let jpeg = [&[1, 2, 3], tail].concat();
            let mut data = vec![];
            let only = Intervals::new(&jpeg, 0).next(&mut data).unwrap();
            assert!(only.is_last && only.length >= 3 && data[..3] == [1, 2, 3]);
        }
    }
}
