//! Reads raw video as ffmpeg writes it: YUV4MPEG2 with 8-bit 4:2:0 planes.

use std::io::{self, BufRead, Read};

use crate::image::{ColourMatrix, ColourRange, Orientation, YuvImage};

/// The header of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Header {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Frames per second, as a fraction.
    rate: (u32, u32),
    range: ColourRange,
}

/// Longer headers are broken.
const MOST_HEADER_BYTES: u64 = 1024;

impl Header {
    /// Reads the line that a stream begins with; `None` at the end of the input.
    pub(crate) fn read(input: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(line) = line(input)? else { return Ok(None) };
        let mut words = line.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(broken());
        }
        let mut header = Self { width: 0, height: 0, rate: (25, 1), range: ColourRange::Limited };
        for word in words {
            if let Some(width) = word.strip_prefix('W') {
                header.width = width.parse().map_err(|_| broken())?;
            } else if let Some(height) = word.strip_prefix('H') {
                header.height = height.parse().map_err(|_| broken())?;
            } else if let Some((frames, seconds)) =
                word.strip_prefix('F').and_then(|rate| rate.split_once(':'))
            {
                let fraction = (frames.parse(), seconds.parse());
                let (Ok(frames), Ok(seconds)) = fraction else { return Err(broken()) };
                header.rate = (frames, seconds);
            } else if word == "XCOLORRANGE=FULL" {
                header.range = ColourRange::Full;
            }
        }
        let is_sized = header.width > 0 && header.height > 0;
        if is_sized { Ok(Some(header)) } else { Err(broken()) }
    }

    /// Frames per second, had each the same distance from the next; `None` where the stream does not say.
    pub(crate) fn fps(&self) -> Option<f64> {
        let (frames, seconds) = self.rate;
        (frames > 0 && seconds > 0).then(|| f64::from(frames) / f64::from(seconds))
    }

    /// Pixels of a frame.
    pub(crate) fn pixels(&self) -> u64 {
        (self.width as u64).saturating_mul(self.height as u64)
    }

    /// Reads the next frame; `None` at the end.
    pub(crate) fn read_frame(&self, input: &mut impl BufRead) -> io::Result<Option<YuvImage>> {
        match line(input)? {
            None => return Ok(None),
            Some(line) if line.starts_with("FRAME") => {}
            Some(_) => return Err(broken()),
        }
        let chroma = self.width.div_ceil(2) * self.height.div_ceil(2);
        let mut plane = |size: usize| -> io::Result<Vec<u8>> {
            let mut plane = vec![0; size];
            input.read_exact(&mut plane)?;
            Ok(plane)
        };
        let (y, u, v) = (plane(self.width * self.height)?, plane(chroma)?, plane(chroma)?);
        Ok(Some(YuvImage {
            width: self.width,
            height: self.height,
            y,
            u,
            v,
            range: self.range,
            matrix: ColourMatrix::from_code(None, self.height),
            orientation: Orientation::Upright,
        }))
    }
}

fn line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    input.take(MOST_HEADER_BYTES).read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => String::from_utf8(line).map(Some).map_err(|_| broken()),
        Some(_) => Err(broken()),
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "ffmpeg's output is not YUV4MPEG2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_odd_size_are_read() {
        let mut stream =
            b"YUV4MPEG2 W3 H1 F30000:1001 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n".to_vec();
        for value in [1, 2] {
            stream.extend(b"FRAME\n");
            stream.extend([value; 3 + 2 + 2]);
        }
        let mut input = stream.as_slice();
        let header = Header::read(&mut input).unwrap().unwrap();
        assert_eq!((header.width, header.height, header.range), (3, 1, ColourRange::Full));
        assert_eq!(header.fps(), Some(30000.0 / 1001.0));
        for value in [1, 2] {
            let image = header.read_frame(&mut input).unwrap().unwrap();
            assert!(image.is_complete());
            assert_eq!((image.y[2], image.v[1]), (value, value));
        }
        assert_eq!(header.read_frame(&mut input).unwrap(), None);
    }

    #[test]
    fn what_is_cut_off_or_foreign_is_an_error() {
        for stream in
            [&b"YUV4MPEG2 W3"[..], b"YUV4MPEG2 W3 F25:1\n", b"RIFF\n", b"YUV4MPEG2 W3 H-1\n"]
        {
            assert!(Header::read(&mut &*stream).is_err());
        }
        let header = Header::read(&mut &b"YUV4MPEG2 W2 H2 F25:1\n"[..]).unwrap().unwrap();
        assert!(header.read_frame(&mut &b"FRAME\n12345"[..]).is_err());
        assert!(header.read_frame(&mut &b"NOISE\n123456"[..]).is_err());
    }
}
