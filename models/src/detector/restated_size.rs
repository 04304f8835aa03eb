//! Input sizes that a file states and does not depend on: exporters write down the size of the example that they were
//! given, and convolutions take any.

use super::{InputSizeConflict, ModelFact};
use crate::Size;
use crate::onnx::OnnxFile;

/// Inputs up to this side are an example's: nothing can be found in them.
const TINY: usize = 32;
/// A common size, to see whether a file takes others than its own.
const COMMON: Size = Size { width: 320, height: 320 };

/// The size that is asked for instead of the one that the file states, if its graph can be made for that, with a
/// sentence that says so.
pub(super) fn restated(
    file: &mut OnnxFile,
    named: Result<Option<Size>, ModelFact>,
) -> (Result<Option<Size>, ModelFact>, Option<String>) {
    let Err(ModelFact::InputSize(InputSizeConflict::Fixed { size, .. })) = named else {
        return (named, None);
    };
    let [Some(height), Some(width)] = file.image_size() else { return (named, None) };
    let stated = Size { width, height };
    if !file.take_size(size) {
        return (named, None);
    }
    let guess = format!(
        "the file states an input of {stated} and is run with {size}, as the size that is given asks for; \
         nothing in its graph contradicts that"
    );
    (Ok(Some(size)), Some(guess))
}

/// Whether the file states a tiny input that it does not depend on, and nothing says that it is meant.
pub(super) fn is_tiny_example(file: &mut OnnxFile, size: Size, is_named: bool) -> bool {
    let is_tiny = size.width <= TINY && size.height <= TINY;
    if is_named || !is_tiny || file.image_size() != [Some(size.height), Some(size.width)] {
        return false;
    }
    let takes_others = file.take_size(COMMON);
    if takes_others {
        file.take_size(size);
    }
    takes_others
}
