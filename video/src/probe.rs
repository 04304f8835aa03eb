//! Distinguishes kinds of files by how they begin.

/// A kind of file that holds video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// ISO base media: `.mp4`, `.mov`, `.m4v`, `.3gp`.
    Mp4,
    /// Matroska and WebM.
    Matroska,
    /// AVI.
    Avi,
    /// MPEG transport stream, also as Blu-ray and AVCHD cameras write it (`.m2ts`, `.mts`).
    TransportStream,
    /// MPEG program stream (`.mpg`, `.vob`).
    ProgramStream,
    /// ASF (`.wmv`).
    Asf,
    /// Ogg (`.ogv`).
    Ogg,
    /// IVF, as encoders of VP8, VP9 and AV1 write it.
    Ivf,
    /// Flash video.
    Flash,
}

/// How many bytes [`Kind::of`] looks at.
pub(crate) const PROBE_BYTES: usize = 512;

impl Kind {
    /// The kind of a file that begins like this.
    pub(crate) fn of(beginning: &[u8]) -> Option<Self> {
        const BOXES: [&[u8]; 9] =
            [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"pnot"];
        match beginning {
            [_, _, _, _, name @ ..] if BOXES.iter().any(|known| name.starts_with(known)) => {
                Some(Self::Mp4)
            }
            [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(Self::Matroska),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Some(Self::Avi),
            [b'D', b'K', b'I', b'F', ..] => Some(Self::Ivf),
            [b'F', b'L', b'V', 1, ..] => Some(Self::Flash),
            // The start code of a pack (ISO/IEC 13818-1, 2.5.3.4).
            [0, 0, 1, 0xBA, ..] => Some(Self::ProgramStream),
            // The first half of the GUID of its header.
            [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, ..] => Some(Self::Asf),
            [b'O', b'g', b'g', b'S', ..] => Some(Self::Ogg),
            _ => is_transport_stream(beginning).then_some(Self::TransportStream),
        }
    }

    /// The name by which ffmpeg calls what reads it.
    pub(crate) fn demuxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::TransportStream => "mpegts",
            Self::ProgramStream => "mpeg",
            Self::Asf => "asf",
            Self::Ogg => "ogg",
            Self::Ivf => "ivf",
            Self::Flash => "flv",
        }
    }

    /// The name by which people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4",
            Self::Matroska => "Matroska or WebM",
            Self::Avi => "AVI",
            Self::TransportStream => "an MPEG transport stream",
            Self::ProgramStream => "an MPEG program stream",
            Self::Asf => "ASF or WMV",
            Self::Ogg => "Ogg",
            Self::Ivf => "IVF",
            Self::Flash => "Flash video",
        }
    }
}

/// Whether packets of 188 bytes follow each other, each behind a time stamp of 4 bytes in `.m2ts` files, or before 16
/// bytes of error correction as they are received.
fn is_transport_stream(beginning: &[u8]) -> bool {
    /// The first byte of a packet.
    const SYNC: u8 = 0x47;
    const LAYOUTS: [(usize, usize); 3] = [(0, 188), (4, 192), (0, 204)];
    LAYOUTS.iter().any(|(first, packet)| {
        [0, 1, 2].iter().all(|number| beginning.get(first + number * packet) == Some(&SYNC))
            // A file may be shorter.
            || beginning.len() < first + 2 * packet
                && [0, 1].iter().all(|number| beginning.get(first + number * packet) == Some(&SYNC))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets with a sync byte each.
    fn packets(first: usize, packet: usize) -> Vec<u8> {
        let mut bytes = vec![1; 512];
        bytes.iter_mut().skip(first).step_by(packet).for_each(|byte| *byte = 0x47);
        bytes
    }

    #[test]
    fn files_are_known_by_their_content() {
        for (expected, beginning) in [
            (Kind::TransportStream, packets(0, 188)),
            (Kind::TransportStream, packets(4, 192)),
            (Kind::TransportStream, packets(0, 204)),
            (Kind::TransportStream, packets(0, 188)[..200].to_vec()),
            (Kind::ProgramStream, b"\0\0\x01\xBA\x44".to_vec()),
            (Kind::Asf, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9".to_vec()),
            (Kind::Ogg, b"OggS\0\x02".to_vec()),
            (Kind::Flash, b"FLV\x01\x01".to_vec()),
            (Kind::Matroska, b"\x1A\x45\xDF\xA3".to_vec()),
            (Kind::Mp4, b"\0\0\0\x20ftypisom".to_vec()),
        ] {
            assert_eq!(Kind::of(&beginning), Some(expected), "{beginning:?}");
        }
        for beginning in [&b"G"[..], b"GIF89a", &[0x47; 4], b"\0\0\x01\xB3", b"Ogg", &[]] {
            assert_eq!(Kind::of(beginning), None, "{beginning:?}");
        }
        let mut text = packets(0, 188);
        text[376] = 1;
        assert_eq!(Kind::of(&text), None, "a G at two places");
    }
}
