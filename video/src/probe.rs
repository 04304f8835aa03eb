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
    /// H.264 without a container (`.h264`).
    H264,
    /// HEVC without a container (`.h265`).
    Hevc,
    /// MPEG-1 or MPEG-2 video without a container (`.m1v`, `.m2v`).
    Mpeg,
    /// MXF, of cameras for television.
    Mxf,
    /// Uncompressed frames, YUV4MPEG2 (`.y4m`).
    Y4m,
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
            // The key of its first pack (SMPTE ST 377-1, 6.2).
            [0x06, 0x0E, 0x2B, 0x34, 0x02, 0x05, 0x01, 0x01, ..] => Some(Self::Mxf),
            // The start code of a sequence (ISO/IEC 13818-2, 6.2.2.1).
            [0, 0, 1, 0xB3, ..] => Some(Self::Mpeg),
            _ if beginning.starts_with(b"YUV4MPEG2 ") => Some(Self::Y4m),
            [0, 0, 0, 1, unit @ ..] | [0, 0, 1, unit @ ..] => bare(unit),
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
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Mpeg => "mpegvideo",
            Self::Mxf => "mxf",
            Self::Y4m => "yuv4mpegpipe",
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
            Self::H264 => "H.264 without a container",
            Self::Hevc => "HEVC without a container",
            Self::Mpeg => "MPEG video without a container",
            Self::Mxf => "MXF",
            Self::Y4m => "YUV4MPEG2",
        }
    }
}

/// A byte stream of H.264 or HEVC that begins with this unit: parameters, or the mark of a frame's beginning
/// (ITU-T H.264, table 7-1; H.265, table 7-1).
fn bare(unit: &[u8]) -> Option<Kind> {
    match *unit {
        [0x09 | 0x27 | 0x47 | 0x67, ..] => Some(Kind::H264),
        [0x40 | 0x42 | 0x46, 0x01, ..] => Some(Kind::Hevc),
        _ => None,
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
            (Kind::H264, b"\0\0\0\x01\x67\x64".to_vec()),
            (Kind::H264, b"\0\0\x01\x09\xF0".to_vec()),
            (Kind::Hevc, b"\0\0\0\x01\x40\x01\x0C".to_vec()),
            (Kind::Mpeg, b"\0\0\x01\xB3\x16".to_vec()),
            (Kind::Mxf, b"\x06\x0E\x2B\x34\x02\x05\x01\x01\x0D".to_vec()),
            (Kind::Y4m, b"YUV4MPEG2 W64".to_vec()),
        ] {
            assert_eq!(Kind::of(&beginning), Some(expected), "{beginning:?}");
        }
        for beginning in [&b"G"[..], b"GIF89a", &[0x47; 4], b"\0\0\x01\xFF", b"Ogg", &[]] {
            assert_eq!(Kind::of(beginning), None, "{beginning:?}");
        }
        let mut text = packets(0, 188);
        text[376] = 1;
        assert_eq!(Kind::of(&text), None, "a G at two places");
    }
}
