//! Whether a message can be a frame: checks of its size and its markers, in a fixed order, before the frame
//! is counted.

use memchr::memmem;

use super::ErrorCode;

/// First two bytes of every JPEG (SOI; ITU-T T.81, B.1.1.3).
const START_MARKER: [u8; 2] = [0xFF, 0xD8];
/// Last two bytes of every JPEG (EOI). What follows them is ignored: cameras pad frames and append trailers.
const END_MARKER: [u8; 2] = [0xFF, 0xD9];

/// Why a message is not a frame. Displays as the detail on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFrame {
    /// It has no bytes.
    #[error("Frame is empty (no data provided)")]
    Empty,
    /// It has more bytes than the server accepts.
    #[error("Frame size ({bytes} bytes) exceeds limit ({limit} bytes)")]
    TooLarge {
        /// Size of the message.
        bytes: usize,
        /// Largest size that is accepted.
        limit: usize,
    },
    /// It does not begin as a JPEG does.
    #[error("Frame is not a valid JPEG (missing SOI marker)")]
    NoStartMarker,
    /// It has no end anywhere.
    #[error("Frame is not a valid JPEG (missing EOI marker)")]
    NoEndMarker,
}

impl InvalidFrame {
    /// The error code of a session.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } => ErrorCode::FrameTooLarge,
            Self::Empty | Self::NoStartMarker | Self::NoEndMarker => ErrorCode::InvalidFrame,
        }
    }
}

/// Checks whether a message can be a JPEG; a message of exactly `limit` bytes is not too large.
///
/// ```
/// use framegate::protocol::{InvalidFrame, validate};
///
/// assert_eq!(validate(b"\xFF\xD8 pixels \xFF\xD9", 100), Ok(()));
/// assert_eq!(validate(b"GIF89a", 100), Err(InvalidFrame::NoStartMarker));
/// ```
///
/// # Errors
/// The first reason that applies, in the order of [`InvalidFrame`].
pub fn validate(message: &[u8], limit: usize) -> Result<(), InvalidFrame> {
    if message.is_empty() {
        return Err(InvalidFrame::Empty);
    }
    if message.len() > limit {
        return Err(InvalidFrame::TooLarge { bytes: message.len(), limit });
    }
    let Some(rest) = message.strip_prefix(&START_MARKER) else {
        return Err(InvalidFrame::NoStartMarker);
    };
    // From the end, where it is as a rule.
    if memmem::rfind(rest, &END_MARKER).is_none() {
        return Err(InvalidFrame::NoEndMarker);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_come_in_the_order_of_the_protocol() {
        for (message, limit, expected) in [
            (&b""[..], 0, Err(InvalidFrame::Empty)),
            (b"\xFF\xD8\xFF\xD9", 4, Ok(())),
            (b"\xFF\xD8\xFF\xD9", 3, Err(InvalidFrame::TooLarge { bytes: 4, limit: 3 })),
            (b"neither", 3, Err(InvalidFrame::TooLarge { bytes: 7, limit: 3 })),
            (b"neither", 7, Err(InvalidFrame::NoStartMarker)),
            (b"\xFF", 9, Err(InvalidFrame::NoStartMarker)),
            (b"x\xFF\xD8\xFF\xD9", 9, Err(InvalidFrame::NoStartMarker)),
            (b"\xFF\xD8", 9, Err(InvalidFrame::NoEndMarker)),
            (b"\xFF\xD8\xD9", 9, Err(InvalidFrame::NoEndMarker)),
            (b"\xFF\xD8\xFF\xD9\0\0\0", 9, Ok(())),
            (b"\xFF\xD8 \xFF\xD9\r\n", 9, Ok(())),
            (b"\xFF\xD8\xFF\0\xD9", 9, Err(InvalidFrame::NoEndMarker)),
            (b"\xFF\xD8 anything \xFF\xD9", 99, Ok(())),
        ] {
            assert_eq!(validate(message, limit), expected, "{message:?} up to {limit}");
        }
    }

    #[test]
    fn details_are_those_of_the_protocol() {
        for (invalid, detail) in [
            (InvalidFrame::Empty, "Frame is empty (no data provided)"),
            (InvalidFrame::NoStartMarker, "Frame is not a valid JPEG (missing SOI marker)"),
            (InvalidFrame::NoEndMarker, "Frame is not a valid JPEG (missing EOI marker)"),
            (
                InvalidFrame::TooLarge { bytes: 5_242_881, limit: 5_242_880 },
                "Frame size (5242881 bytes) exceeds limit (5242880 bytes)",
            ),
        ] {
            assert_eq!(invalid.to_string(), detail);
        }
    }
}
