//! Reads small text files that a user or a sidecar names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Far more than any sidecar or list of labels holds.
const MAX_BYTES: u64 = 16 << 20;

/// The text of a file.
///
/// # Errors
/// What the system says; also for what is not a regular file or larger than 16 MiB.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    // A pipe or a device might never end.
    if !std::fs::metadata(path)?.is_file() {
        return refused("it is not a file");
    }
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return refused("it is larger than 16 MiB");
    }
    Ok(text)
}
