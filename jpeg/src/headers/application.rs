//! Reads application segments: JFIF and Adobe about colours, EXIF about the camera.

use super::frame::Frame;
use crate::markers;

/// The meaning of three or four components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColourSpace {
    Grey,
    YCbCr,
    Rgb,
    /// Inks, stored as what they leave of the light, as Adobe does and everybody assumes.
    Cmyk,
    /// The same, with the first three as YCbCr.
    Ycck,
}

/// Facts from application segments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Application<'a> {
    jfif: bool,
    /// Adobe's colour transform.
    adobe: Option<u8>,
    /// The data of each segment of EXIF.
    pub(crate) exif: Vec<&'a [u8]>,
}

impl<'a> Application<'a> {
    pub(crate) fn read(&mut self, marker: u8, payload: &'a [u8]) {
        match marker {
            // Shorter ones are nothing to libjpeg, which then goes by Adobe's segment.
            markers::APP0 => self.jfif |= payload.starts_with(b"JFIF\0") && payload.len() >= 14,
            // Version, two words of flags, transform.
            markers::APP14 if payload.starts_with(b"Adobe") => {
                self.adobe = payload.get(11).copied().or(self.adobe);
            }
            // A byte of padding follows the name.
            markers::APP1 => {
                let padded = payload.strip_prefix(b"Exif\0");
                self.exif.extend(padded.and_then(|padded| padded.get(1..)));
            }
            _ => {}
        }
    }

    /// The meaning that libjpeg gives the components (`jdapimin.c`): JFIF is YCbCr whatever Adobe's segment says, and
    /// without either the numbers of the components decide.
    pub(crate) fn colour_space(&self, frame: &Frame) -> ColourSpace {
        match frame.components.len() {
            1 => ColourSpace::Grey,
            4 => match self.adobe {
                None | Some(0) => ColourSpace::Cmyk,
                Some(_) => ColourSpace::Ycck,
            },
            _ if self.jfif => ColourSpace::YCbCr,
            _ => match self.adobe {
                Some(0) => ColourSpace::Rgb,
                Some(_) => ColourSpace::YCbCr,
                None if frame.components.iter().map(|c| c.id).eq(*b"RGB") => ColourSpace::Rgb,
                None => ColourSpace::YCbCr,
            },
        }
    }
}
