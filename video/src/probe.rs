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
    /// MPEG transport stream.
    TransportStream,
    /// IVF, as encoders of VP8, VP9 and AV1 write it.
    Ivf,
    /// Flash video.
    Flash,
}

/// How many bytes [`Kind::of`] looks at.
pub(crate) const PROBE_BYTES: usize = 189;

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
            [0x47, rest @ ..] if rest.get(187) == Some(&0x47) => Some(Self::TransportStream),
            _ => None,
        }
    }

    /// The name by which ffmpeg calls what reads it.
    pub(crate) fn demuxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::TransportStream => "mpegts",
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
            Self::Ivf => "IVF",
            Self::Flash => "Flash video",
        }
    }
}
