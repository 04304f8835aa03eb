//! How large a model's input is.

use serde::{Deserialize, Deserializer, de};

use crate::Size;

/// Largest width and height of a model's input in pixels: far beyond any detector, but small enough to
/// allocate.
const MAX_EXTENT: usize = 8192;

/// A model's input cannot have this size: both sides must be 1 to 8192 pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an input size of {0} is not possible: width and height must be 1 to {MAX_EXTENT}")]
pub struct InputSizeError(pub Size);

/// The size, if a model's input can have it.
///
/// # Errors
/// [`InputSizeError`] when a side is 0 or larger than 8192 pixels.
pub fn check_input_size(size: Size) -> Result<Size, InputSizeError> {
    let allowed = 1..=MAX_EXTENT;
    if allowed.contains(&size.width) && allowed.contains(&size.height) {
        Ok(size)
    } else {
        Err(InputSizeError(size))
    }
}

/// Reads an input size from a sidecar and checks it.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Size>, D::Error> {
    /// A key that a sidecar should not have is a slip of its author's; on the wire keys may be added.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        width: usize,
        height: usize,
    }
    let size = Option::<Written>::deserialize(input)?;
    size.map(|Written { width, height }| check_input_size(Size { width, height }))
        .transpose()
        .map_err(de::Error::custom)
}

/// Why no input size could be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InputSizeConflict {
    /// The size that was settled is not possible.
    #[error(transparent)]
    Impossible(#[from] InputSizeError),
    /// The size that was named contradicts what the file fixes.
    #[error(
        "{origin} asks for an input of {size}, but the file is fixed to width {} and height {}; \
         leave the size out or export the model for {size}",
        or_any(*width),
        or_any(*height)
    )]
    Fixed {
        /// The source that named the size.
        origin: &'static str,
        /// The size that was named.
        size: Size,
        /// Width in the file, if it fixes one.
        width: Option<usize>,
        /// Height in the file, if it fixes one.
        height: Option<usize>,
    },
}

fn or_any(extent: Option<usize>) -> String {
    extent.map_or_else(|| "any".to_owned(), |extent| extent.to_string())
}

/// The places that may name an input size, strongest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct InputSizeSources {
    /// Height and width as the model file declares them; `None` where it leaves them open.
    pub(super) file: [Option<usize>; 2],
    /// From the command line.
    pub(super) option: Option<Size>,
    /// From the sidecar.
    pub(super) sidecar: Option<Size>,
    /// From the file's metadata: what the model was exported for.
    pub(super) metadata: Option<Size>,
}

impl InputSizeSources {
    /// The input size, or `None` when nothing names one.
    ///
    /// # Errors
    /// [`InputSizeConflict`] when a size is impossible or contradicts what is fixed in the file.
    pub(super) fn resolve(&self) -> Result<Option<Size>, InputSizeConflict> {
        let [height, width] = self.file;
        for (origin, size) in [("--input-size", self.option), ("the sidecar", self.sidecar)] {
            let Some(size) = size else { continue };
            let fits = width.is_none_or(|width| width == size.width)
                && height.is_none_or(|height| height == size.height);
            if !fits {
                return Err(InputSizeConflict::Fixed { origin, size, width, height });
            }
        }
        if let [Some(height), Some(width)] = self.file {
            return Ok(Some(check_input_size(Size { width, height })?));
        }
        let named = self.option.or(self.sidecar).or(self.metadata);
        // Metadata is the exporter's hint; what the file fixes itself is stronger.
        let size = named.map(|size| Size {
            width: width.unwrap_or(size.width),
            height: height.unwrap_or(size.height),
        });
        Ok(size.map(check_input_size).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: InputSizeSources =
        InputSizeSources { file: [None, None], option: None, sidecar: None, metadata: None };
    const A: Option<Size> = Some(Size { width: 640, height: 384 });
    const B: Option<Size> = Some(Size { width: 416, height: 416 });

    #[test]
    fn the_strongest_source_wins() {
        assert_eq!(OPEN.resolve(), Ok(None));
        assert_eq!(InputSizeSources { metadata: A, ..OPEN }.resolve(), Ok(A));
        assert_eq!(InputSizeSources { sidecar: B, metadata: A, ..OPEN }.resolve(), Ok(B));
        assert_eq!(InputSizeSources { option: A, sidecar: B, ..OPEN }.resolve(), Ok(A));
        let fixed = InputSizeSources { file: [Some(384), Some(640)], ..OPEN };
        assert_eq!(fixed.resolve(), Ok(A));
        assert_eq!(InputSizeSources { metadata: B, ..fixed }.resolve(), Ok(A));
        assert_eq!(InputSizeSources { option: A, ..fixed }.resolve(), Ok(A));
    }

    #[test]
    fn contradicting_a_fixed_file_is_an_error_with_both_sizes() {
        let fixed = InputSizeSources { file: [Some(384), Some(640)], ..OPEN };
        let message = InputSizeSources { option: B, ..fixed }.resolve().unwrap_err().to_string();
        for fragment in ["--input-size", "416x416", "width 640", "height 384"] {
            assert!(message.contains(fragment), "{message}");
        }
        let half = InputSizeSources { file: [None, Some(640)], sidecar: B, ..OPEN };
        assert!(half.resolve().unwrap_err().to_string().contains("the sidecar"));
        let too_large = InputSizeSources { file: [Some(9000), Some(640)], ..OPEN };
        assert!(too_large.resolve().unwrap_err().to_string().contains("8192"));
    }
}
